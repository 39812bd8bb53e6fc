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
  parameters: { maxTokens: 1, temperature: 0, seed: 0, topLogprobs: 20 },
  minMass: 0.25,
  session: 's',
  judgeModel: 'judge',
  attempts: [],
  judgedAt: '2026-01-01T00:00:00.000Z',
  fromCache: false,
  topLogprobs: logprobsOf({ '80': 0.2, '60': 0.2, REF: 0.5 }),
}
const scored: Verdict = { ...record, status: 'scored', score: 70, mass: 0.4, entropy: Math.LN2 }

test('a higher cut-off takes a score away and names the reason, a lower one gives it back', () => {
  const strict = rescore(scored, { minMass: 0.5 })
  expect(strict).toMatchObject({ ...record, minMass: 0.5, status: 'unscored', reason: 'refusal' })
  for (const name of ['score', 'entropy', 'label']) expect(strict).not.toHaveProperty(name)
  const minMass = 0.4 - 1e-9
  const back = rescore(strict, { minMass })
  expect(back).toMatchObject({
    ...record,
    minMass,
    status: 'scored',
    score: expect.closeTo(70, 10),
    entropy: expect.closeTo(Math.LN2, 10),
  })
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

test('labels are read again by the labels of the verdict, whole replies by their own list', () => {
  const labels = [
    { label: 'no', value: 0 },
    { label: 'yes', value: 1 },
  ]
  const ofLabels: Verdict = {
    ...record,
    protocol: 'labels',
    parameters: { ...record.parameters, method: 'first-token', labels },
    topLogprobs: logprobsOf({ yes: 0.2, no: 0.1, maybe: 0.6 }),
    status: 'scored',
    score: 2 / 3,
    label: 'yes',
    mass: 0.3,
    entropy: 0.6,
  }
  expect(rescore(ofLabels, { minMass: 0.5 })).toMatchObject({ reason: 'low-mass' })
  expect(rescore(rescore(ofLabels, { minMass: 0.5 }), { minMass: 0.2 })).toMatchObject({
    label: 'yes',
    score: expect.closeTo(2 / 3, 12),
  })
  const { topLogprobs: _, ...bare } = record
  const exact: Verdict = {
    ...bare,
    protocol: 'logprob-0-100-exact',
    parameters: { continuations: ['40', '60', 'REFUSAL'] },
    continuationLogprobs: logprobsOf({ '40': 0.2, '60': 0.2, REFUSAL: 0.1 }),
    status: 'unscored',
    reason: 'low-mass',
    detail: 'x',
    mass: 0.4,
  }
  expect(rescore(exact, { minMass: 0.3 })).toMatchObject({ score: expect.closeTo(50, 10) })
})

test('a score that was said in text has no mass, and no cut-off changes it', () => {
  const { topLogprobs: _, ...bare } = record
  const said: Verdict = { ...bare, status: 'scored', score: 10, mass: null, entropy: null }
  expect(rescore(said, { minMass: 1 })).toBe(said)
})
