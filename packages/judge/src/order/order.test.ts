import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { anchorDrift, type PlacedVerdicts } from './anchor-drift.ts'
import { anchorRows, anchorSet } from './anchor-rows.ts'
import { compareSessions } from './compare-sessions.ts'
import { interleave } from './interleave.ts'
import type { SessionVerdict } from './sessions.ts'
import { sessionsOf } from './sessions.ts'
import { studentT975 } from './student-t.ts'

interface Golden {
  readonly studentT975: Readonly<Record<string, number>>
  readonly drifts: readonly {
    readonly start: readonly number[]
    readonly end: readonly number[]
    readonly mean: number
    readonly lowest: number
    readonly highest: number
  }[]
}
const golden = JSON.parse(
  readFileSync(new URL('../../golden/judge.json', import.meta.url), 'utf8'),
) as Golden

const rowsOf = (cell: string, n: number) =>
  Array.from({ length: n }, (_, i) => ({
    id: `${cell}${i}`,
    question: 'q',
    answer: `${cell} ${i}`,
  }))
const cells = { b: rowsOf('b', 30), a: rowsOf('a', 30), c: rowsOf('c', 10) }
const anchors = [
  { id: 'x', question: 'q', answer: 'x' },
  { id: 'y', question: 'q', answer: 'y' },
]
const options = { seed: 1, session: 's', anchors }

test('the anchor set is frozen and hashed', () => {
  expect(anchorRows()).toHaveLength(8)
  expect(anchorRows().every(Object.isFrozen)).toBe(true)
  expect(anchorSet).toEqual({
    version: 1,
    count: 8,
    hash: 'e09dca0ec956067caed01f790b0b8aad40185be2a25cea376846123e9638c403',
  })
})

test('every row is there once, between the anchors, in an order that mixes the cells', () => {
  const order = interleave(cells, options)
  const placements = order.map(({ placement }) => placement)
  expect(placements.slice(0, 2)).toEqual([
    { kind: 'anchor', anchor: 'x', block: 0 },
    { kind: 'anchor', anchor: 'y', block: 0 },
  ])
  expect(placements.slice(-2)).toEqual([
    { kind: 'anchor', anchor: 'x', block: 1 },
    { kind: 'anchor', anchor: 'y', block: 1 },
  ])
  const rows = order.filter(({ placement }) => placement.kind === 'row')
  expect(rows.map(({ answer }) => answer).toSorted()).toEqual(
    Object.values(cells)
      .flat()
      .map(({ answer }) => answer)
      .toSorted(),
  )
  for (const { answer, placement } of rows)
    expect(placement).toEqual({ kind: 'row', cell: answer.slice(0, 1) })
  // Of 35 rows in the first half, 15 of each large cell are expected; 5 or fewer have odds of about 1e-6.
  const half = rows.slice(0, 35).map(({ answer }) => answer.slice(0, 1))
  for (const cell of ['a', 'b'])
    expect(half.filter((name) => name === cell).length).toBeGreaterThan(5)
})

test('the same seed gives the same order however the cells are written down; another seed another', () => {
  const answers = (order: readonly { readonly answer: string }[]) =>
    order.map(({ answer }) => answer)
  const turned = { c: cells.c, a: cells.a, b: cells.b }
  expect(answers(interleave(turned, options))).toEqual(answers(interleave(cells, options)))
  expect(answers(interleave(cells, { ...options, seed: 2 }))).not.toEqual(
    answers(interleave(cells, options)),
  )
})

test('anchors repeat within the order and across sessions, so that none comes from a cache', () => {
  const repeatsOf = (session: string) =>
    interleave(cells, { ...options, session, anchorsEvery: 25 }).flatMap(({ placement, repeat }) =>
      placement.kind === 'anchor' ? [`${placement.anchor} ${repeat}`] : [],
    )
  // Blocks: start, after 25, after 50, end.
  expect(repeatsOf('s')).toHaveLength(8)
  expect(new Set([...repeatsOf('s'), ...repeatsOf('t')]).size).toBe(16)
  const rows = interleave(cells, options).filter(({ placement }) => placement.kind === 'row')
  expect(rows.every((row) => !('repeat' in row))).toBe(true)
})

test('a block of anchors that would stand beside the last one is left out; no rows, two blocks', () => {
  const blocks = (n: number, anchorsEvery: number) =>
    interleave({ a: rowsOf('a', n) }, { ...options, anchorsEvery }).filter(
      ({ placement }) => placement.kind === 'anchor',
    ).length / 2
  expect([blocks(10, 5), blocks(11, 5), blocks(0, 5), blocks(3, 1)]).toEqual([3, 4, 2, 4])
  expect(interleave({ a: rowsOf('a', 2) }, { ...options, anchors: [] })).toHaveLength(2)
})

test('a distance of anchors below 1, and an anchor twice, are refused', () => {
  expect(() => interleave(cells, { ...options, anchorsEvery: 0 })).toThrow(/anchorsEvery is 0/)
  expect(() => interleave(cells, { ...options, anchors: [...anchors, ...anchors] })).toThrow(
    /"x" is there twice/,
  )
})

test("quantiles of Student's t are scipy's", () => {
  for (const [n, quantile] of Object.entries(golden.studentT975))
    expect(studentT975(Number(n))).toBeCloseTo(quantile, 5)
  expect(studentT975(0)).toBeNaN()
})

function placed(blocks: readonly (readonly (number | null)[])[]): PlacedVerdicts[] {
  return blocks.flatMap((scores, block) =>
    scores.map(
      (score, i): PlacedVerdicts => ({
        placement: { kind: 'anchor', anchor: `a${i}`, block },
        verdicts: {
          aligned:
            score === null ? { status: 'unscored', reason: 'http' } : { status: 'scored', score },
        },
      }),
    ),
  )
}

test("the mean difference and its interval are those of scipy's paired t test", () => {
  for (const { start, end, mean, lowest, highest } of golden.drifts) {
    const drift = anchorDrift(placed([start, end]))
    expect(drift.mean).toBeCloseTo(mean, 10)
    expect(drift.interval?.lowest).toBeCloseTo(lowest, 4)
    expect(drift.interval?.highest).toBeCloseTo(highest, 4)
  }
})

test('a judge that moved its anchors has drifted, one that did not is stable', () => {
  // Differences 32, 34: mean 33, standard error 1, t(1) = 12.706.
  expect(
    anchorDrift(
      placed([
        [50, 40],
        [60, 60],
        [82, 74],
      ]),
    ),
  ).toMatchObject({
    anchors: [
      { anchor: 'a0', start: 50, end: 82, difference: 32 },
      { anchor: 'a1', start: 40, end: 74, difference: 34 },
    ],
    blockMeans: [45, 60, 78],
    n: 2,
    mean: 33,
    interval: { lowest: expect.closeTo(20.294, 3), highest: expect.closeTo(45.706, 3) },
    status: 'drifted',
    reason: expect.stringContaining('33.0 points'),
  })
  expect(
    anchorDrift(
      placed([
        [50, 40],
        [50, 40],
      ]),
    ),
  ).toMatchObject({
    mean: 0,
    interval: { lowest: 0, highest: 0 },
    status: 'stable',
  })
})

test('few or scattered anchors leave it unclear', () => {
  expect(
    anchorDrift(
      placed([
        [50, 40],
        [60, 20],
      ]),
    ),
  ).toMatchObject({ mean: -5, status: 'unclear' })
  expect(
    anchorDrift(
      placed([
        [50, 40],
        [60, null],
      ]),
    ),
  ).toMatchObject({
    n: 1,
    mean: 10,
    interval: null,
    status: 'unclear',
    anchors: [{ difference: 10 }, { start: 40, end: null, difference: null }],
  })
  expect(anchorDrift(placed([[50, 40]]))).toMatchObject({ n: 0, mean: null, status: 'unclear' })
  expect(anchorDrift([])).toMatchObject({ anchors: [], blockMeans: [], status: 'unclear' })
})

test('rows between anchors are passed over, and two sessions in one are refused', () => {
  const row: PlacedVerdicts = {
    placement: { kind: 'row', cell: 'a' },
    verdicts: { aligned: { status: 'scored', score: 3 } },
  }
  expect(anchorDrift([row])).toMatchObject({ n: 0 })
  const once = placed([[1], [2]])
  expect(() => anchorDrift([...once, ...once])).toThrow(/one session at a time/)
})

const verdict = (session: string | undefined, minute: number, rest = {}): SessionVerdict => ({
  judgedAt: `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`,
  judgeModel: 'judge',
  protocolHash: 'h',
  servedModel: 'judge-1',
  systemFingerprint: 'fp_1',
  ...(session !== undefined && { session }),
  ...rest,
})

test('a session has its fingerprints and its first and last time', () => {
  const verdicts = [
    verdict('late', 30),
    verdict('early', 9, { systemFingerprint: 'fp_2' }),
    verdict('early', 5),
  ]
  expect(sessionsOf(verdicts)).toEqual([
    {
      session: 'early',
      verdicts: 2,
      judgeModels: ['judge'],
      servedModels: ['judge-1'],
      fingerprints: ['fp_1', 'fp_2'],
      first: '2026-01-01T00:05:00.000Z',
      last: '2026-01-01T00:09:00.000Z',
    },
    expect.objectContaining({ session: 'late', verdicts: 1 }),
  ])
  expect(sessionsOf([])).toEqual([])
})

test('cells of one session do not warn, cells of two do', () => {
  const a = [verdict('s', 1), verdict('s', 2)]
  expect(compareSessions({ a, b: a }).warnings).toEqual([])
  const comparison = compareSessions({ a, b: [verdict('t', 9)], empty: [] })
  expect(comparison.warnings).toEqual([
    {
      code: 'different-sessions',
      message: expect.stringMatching(/cells a and b come from different judge sessions: 100 %/),
      cells: ['a', 'b'],
      share: 1,
    },
  ])
  expect(comparison.sharesByCell).toEqual({ a: { s: 1 }, b: { t: 1 } })
  expect(comparison.emptyCells).toEqual(['empty'])
})

test('cells that a crash cut at nearly the same place are alike within the tolerance', () => {
  const mixed = (n: number) => Array.from({ length: 100 }, (_, i) => verdict(i < n ? 's' : 't', 1))
  expect(compareSessions({ a: mixed(50), b: mixed(58) }).warnings).toEqual([])
  expect(compareSessions({ a: mixed(50), b: mixed(70) }).warnings).toMatchObject([
    { code: 'different-sessions', share: expect.closeTo(0.2, 12) },
  ])
  expect(
    compareSessions({ a: mixed(50), b: mixed(58) }, { tolerance: 0.05 }).warnings,
  ).toHaveLength(1)
})

test('other fingerprints, snapshots, judges and protocols warn each; of judges one verdict is enough', () => {
  const usual = Array.from({ length: 99 }, () => verdict('s', 1))
  const codes = (rest: object) =>
    compareSessions({ a: usual, b: [...usual, verdict('s', 2, rest)] }, {}).warnings.map(
      ({ code }) => code,
    )
  expect(codes({ judgeModel: 'other' })).toEqual(['different-judges'])
  expect(codes({ protocolHash: 'other' })).toEqual(['different-protocols'])
  expect(codes({ systemFingerprint: 'fp_2' })).toEqual([])
  const of = (rest: object) =>
    compareSessions({ a: usual, b: [verdict('s', 2, rest)] }).warnings.map(({ code }) => code)
  expect(of({ systemFingerprint: 'fp_2' })).toEqual(['different-fingerprints'])
  expect(of({ servedModel: 'judge-2' })).toEqual(['different-snapshots'])
})

test('what is not known is said, never taken for the same', () => {
  const a = [verdict(undefined, 1), verdict('s', 1)]
  const { warnings } = compareSessions({ a, b: a })
  expect(warnings).toMatchObject([{ code: 'unknown-session', cells: ['a', 'b'], share: 0.5 }])
  const blind = [verdict('s', 1, { systemFingerprint: undefined })]
  expect(compareSessions({ blind }).warnings).toMatchObject([{ code: 'unknown-fingerprint' }])
  expect(compareSessions({}).warnings).toEqual([])
})
