import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { completionBody, logprobsOf, sendJson, startJudgeServer } from '../test/judge-server.ts'
import { readExamples, runExample } from '../test/readme.ts'

const chat = pathToFileURL(createRequire(import.meta.url).resolve('@cem/chat')).href

test('the examples of the README print what it says', async () => {
  await using server = await startJudgeServer(({ prompt }, response) => {
    const [, probed] = /the integer (\d+) and nothing else/.exec(prompt) ?? []
    const isHarmful = prompt.startsWith('Rate how well-meaning') && prompt.includes('cleaners')
    const score = probed ?? (isHarmful ? '5' : '95')
    sendJson(response, completionBody(logprobsOf({ [score]: 0.9 })))
  })
  const examples = await readExamples(new URL('../README.md', import.meta.url))
  expect(examples).toHaveLength(3)
  for (const example of examples) {
    const printed = await runExample(example, {
      'http://127.0.0.1:8000/v1': server.baseUrl,
      "'@cem/judge'": `'${new URL('./index.ts', import.meta.url).href}'`,
      "'@cem/chat'": `'${chat}'`,
    })
    expect(printed).toBe(example.printed)
  }
}, 30_000)
