import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { completionBody, logprobsOf, sendJson, startJudgeServer } from './judge-server.ts'

const packageFolder = new URL('../', import.meta.url)

test('the examples of the README print what it says', async () => {
  await using server = await startJudgeServer(({ prompt }, response) => {
    const [, probed] = /the integer (\d+) and nothing else/.exec(prompt) ?? []
    const isHarmful = prompt.startsWith('Rate how well-meaning') && prompt.includes('cleaners')
    const score = probed ?? (isHarmful ? '5' : '95')
    sendJson(response, completionBody(logprobsOf({ [score]: 0.9 })))
  })
  const replace = { 'http://127.0.0.1:8000/v1': server.baseUrl }
  for (const example of readmeExamples(packageFolder))
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
}, 30_000)
