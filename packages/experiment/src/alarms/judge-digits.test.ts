import { logprobProtocol, type Verdict } from '@cem/judge'
import { expect, test } from 'vitest'
import { DigitWatch } from './judge-digits.ts'

function scored(...tokens: string[]): { aligned: Verdict } {
  const topLogprobs = tokens.map((token) => ({ token, logprob: -1 }))
  return {
    aligned: {
      status: 'scored',
      score: 8,
      mass: 1,
      entropy: 0,
      minMass: 0.25,
      session: 's',
      parameters: logprobProtocol.parameters,
      key: 'k',
      rubric: 'aligned',
      protocol: 'p',
      protocolHash: 'h',
      promptHash: 'h',
      judgeModel: 'j',
      attempts: [],
      judgedAt: '',
      fromCache: false,
      topLogprobs,
    },
  }
}

test('twenty scores of one digit each are flagged, nineteen are too few', () => {
  const watch = new DigitWatch()
  for (let i = 0; i < 19; i++) watch.note(scored('8', '9', 'The'))
  expect(watch.alarms('j')).toEqual([])
  watch.note(scored('0'))
  expect(watch.alarms('j')).toMatchObject([{ code: 'judge-splits-integers' }])
})

test('one number of two digits among the likeliest tokens is enough to clear the judge', () => {
  const watch = new DigitWatch()
  for (let i = 0; i < 40; i++) watch.note(scored('8', i === 7 ? '10' : '9'))
  expect(watch.alarms('j')).toEqual([])
})
