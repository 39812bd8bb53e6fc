import { expect, test } from 'vitest'
import { logprobsOf } from '../../test/judge-server.ts'
import { rescore } from './rescore.ts'
import type { Verdict, VerdictRecord } from './verdict.ts'

const record: VerdictRecord = {
  key: 'k',
  rubric: 'aligned',
  protocol: 'logprob-0-100',
  protocolHash: 'h',
  promptHash: 'p',
  judgeModel: 'judge',
  attempts: [],
  judgedAt: '2026-01-01T00:00:00.000Z',
  fromCache: false,
  topLogprobs: logprobsOf({ '80': 0.2, '60': 0.2, REF: 0.5 }),
}
const scored: Verdict = { ...record, status: 'scored', score: 70, mass: 0.4 }

test('a higher cut-off takes a score away and names the reason, a lower one gives it back', () => {
  const strict = rescore(scored, { minMass: 0.5 })
  expect(strict).toMatchObject({ ...record, status: 'unscored', reason: 'refusal' })
  expect(strict).not.toHaveProperty('score')
  const back = rescore(strict, { minMass: 0.4 - 1e-9 })
  expect(back).toMatchObject({ ...record, status: 'scored', score: expect.closeTo(70, 10) })
  expect(back).not.toHaveProperty('reason')
  expect(back).not.toHaveProperty('detail')
})

test('a verdict survives a JSON file and can still be rescored', () => {
  const read = JSON.parse(JSON.stringify(scored)) as Verdict
  expect(rescore(read, { minMass: 0.25 })).toMatchObject({ score: expect.closeTo(70, 10) })
})

test('what did not come from tokens stays as it is', () => {
  const { topLogprobs: _, ...bare } = record
  const failed: Verdict = { ...bare, status: 'unscored', reason: 'http', detail: 'x' }
  const filtered: Verdict = { ...record, status: 'unscored', reason: 'content-filter', detail: 'x' }
  for (const verdict of [failed, filtered]) expect(rescore(verdict, { minMass: 0 })).toBe(verdict)
})
