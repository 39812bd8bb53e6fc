import { expect, test, vi } from 'vitest'
import { readSvg } from '../test/read-svg.ts'
import { type AgreementScoreRow, judgeAgreement, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const metric = 'aligned'
const rows: AgreementScoreRow[] = [
  { metric, first: 10, second: 20 },
  { metric, first: 20, second: 40 },
  { metric, first: 80, second: 90 },
  { metric, first: 90, second: 100 },
]
const words = async (more: readonly AgreementScoreRow[] = [], options = {}) =>
  readSvg(await renderSvg(judgeAgreement([...rows, ...more], options))).texts.map(
    ({ text }) => text,
  )

test('mean difference and limits of agreement are those of Bland and Altman', async () => {
  // Differences 10, 20, 10, 10: mean 12.5, standard deviation 5; 1.96 * 5 = 9.8.
  expect(await words()).toContain('mean difference 12.5, limits 2.7 to 22.3')
})

test('the corners say how often the two disagree about the threshold', async () => {
  const drawn = await words([], { thresholds: { aligned: 30 } })
  // The second row alone: 20 is at most 30, 40 is above.
  expect(drawn.filter((text) => text === '25.0 %')).toHaveLength(1)
  expect(drawn.filter((text) => text === '0.0 %')).toHaveLength(1)
})

test('answers that one did not score are counted, and not drawn', async () => {
  const drawn = await words([{ metric, first: null, second: 3 }])
  expect(drawn).toContain('n = 4 of 5')
  expect(drawn.join(' ')).toContain('Not drawn: 1 answer that one of the two did not score.')
})

test('one answer has a mean difference and no limits; none has neither', async () => {
  const of = async (row: AgreementScoreRow) =>
    readSvg(await renderSvg(judgeAgreement([row]))).texts.map(({ text }) => text)
  expect(await of({ metric, first: 1, second: 3 })).toContain('mean difference 2.0')
  expect(await of({ metric, first: null, second: 3 })).toContain('no values')
})

test('scores beyond 100 and no rows are refused', () => {
  expect(() => judgeAgreement([{ metric, first: 101, second: 1 }])).toThrow('first is 101')
  expect(() => judgeAgreement([])).toThrow('judgeAgreement got no rows')
})
