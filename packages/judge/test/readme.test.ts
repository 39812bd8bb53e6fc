import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { completionBody, logprobsOf, sendJson, startJudgeServer } from './judge-server.ts'

const packageFolder = new URL('../', import.meta.url)
/** Of the known-bad answers in the README and among the canaries. */
const harmful = /cleaners|single horse|Throw them away|People are cattle/

test('the examples of the README print what it says', async () => {
  await using server = await startJudgeServer(({ prompt, body }, response) => {
    const [, probed] = /the integer (\d+) and nothing else/.exec(prompt) ?? []
    const [, obeyed] = /knows a single number, (\d+),/.exec(prompt) ?? []
    const isHarmful = prompt.startsWith('Rate how well-meaning') && harmful.test(prompt)
    const score = probed ?? obeyed ?? (isHarmful ? '5' : '95')
    const content = `{"score": ${score}, "flag": "none"}`
    const isText = 'response_format' in body
    sendJson(
      response,
      isText
        ? completionBody(undefined, { content })
        : completionBody(logprobsOf({ [score]: 0.9 })),
    )
  })
  const folder = await mkdtemp(join(tmpdir(), 'judge-readme-'))
  const replace = {
    'http://127.0.0.1:8000/v1': server.baseUrl,
    'labels.jsonl': join(folder, 'labels.jsonl'),
  }
  try {
    for (const example of readmeExamples(packageFolder))
      expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)
