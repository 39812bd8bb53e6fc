import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { startBatchServer } from './batch-server.ts'
import { completionBody, sendJson, startServer } from './fault-server.ts'

const packageFolder = new URL('../', import.meta.url)

test('the examples of the README print what they say', async () => {
  await using server = await startServer(({ index, url, body }, response) => {
    if (index === 0) return sendJson(response, {}, 429, { 'retry-after-ms': '1' })
    if (!url.endsWith('/continuations')) {
      const isShort = JSON.stringify(body).includes('Rate it.')
      const usage = { prompt_tokens: isShort ? 12 : 312, completion_tokens: 1 }
      return sendJson(response, { ...completionBody(), usage })
    }
    const given = body['continuations'] as readonly string[]
    const continuations = given.map((text, i) => ({
      index: i,
      logprob: -0.7 * (i + 1),
      n_tokens: text.length + 1,
    }))
    sendJson(response, { model: 'judge', continuations })
  })
  await using batches = await startBatchServer()
  const replace = {
    'http://127.0.0.1:8000/v1': server.baseUrl,
    'http://127.0.0.1:8001/v1': batches.baseUrl,
  }
  for (const example of readmeExamples(packageFolder))
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
}, 60_000)
