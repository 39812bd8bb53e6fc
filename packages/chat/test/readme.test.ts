import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { completionBody, sendJson, startServer } from './fault-server.ts'

const packageFolder = new URL('../', import.meta.url)

test('the example of the README prints what it says', async () => {
  await using server = await startServer(({ index }, response) => {
    if (index === 0) sendJson(response, {}, 429, { 'retry-after-ms': '1' })
    else sendJson(response, completionBody())
  })
  const replace = { 'http://127.0.0.1:8000/v1': server.baseUrl }
  for (const example of readmeExamples(packageFolder))
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
})
