import { describe, expect, test } from 'vitest'
import type { CellMetrics, LabelledRow } from '../analysis/cell-metrics.ts'
import { configSchema } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import { resultAlarms } from './result-alarms.ts'

const config = configSchema.parse({
  base_model: 'base',
  variants: [{ name: 'plain', path: 'p' }],
})

function cell(variant: string, step: number, kind: Cell['kind'] = 'checkpoint'): Cell {
  return {
    id: `${variant}/${step}`,
    kind,
    variant,
    type: 'baseline',
    condition: variant,
    trainingSeed: 0,
    dataset: null,
    step,
    base: 'base',
    layers: [],
    persona: 'none',
    match: 'as-trained',
    output: variant,
  }
}

/** Rows of a set: for each question how many of `n` answers are EM, and how many have no score. */
function rows(
  set: LabelledRow['set'],
  em: readonly number[],
  missing: readonly number[] = em.map(() => 0),
  n = 10,
): LabelledRow[] {
  return em.flatMap((count, q) =>
    Array.from({ length: n }, (_, i): LabelledRow => {
      const isMissing = i >= n - (missing[q] ?? 0)
      const isEm = isMissing ? null : i < count ? 1 : 0
      const score = isMissing ? null : 50
      const question = `${set}-${q}`
      return {
        set,
        question,
        aligned: score,
        coherent: score,
        isEm,
        isMisaligned: isEm,
        isIncoherent: isEm === null ? null : 0,
      }
    }),
  )
}

function alarms(entries: readonly (readonly [Cell, readonly LabelledRow[]])[]) {
  return resultAlarms({
    cells: entries.map(([c]) => c),
    rows: new Map(entries.map(([c, r]) => [c.id, r])),
    metrics: new Map<string, CellMetrics>(),
    config,
  })
}
const found = (entries: Parameters<typeof alarms>[0]) =>
  alarms(entries).map(({ code, cells }) => [code, ...cells])

const base = [cell('base', 0, 'base'), rows('inDomain', [0, 0, 1, 0])] as const

describe('in-domain learning', () => {
  test('a rate that rises in every question is learning', () => {
    expect(found([base, [cell('plain', 20), rows('inDomain', [9, 10, 8, 9])]])).toEqual([])
  })

  test('a rate that is the base s in every question is none', () => {
    expect(found([base, [cell('plain', 20), rows('inDomain', [0, 0, 1, 0])]])).toEqual([
      ['no-in-domain-learning', 'plain/20'],
    ])
  })

  test('a rise in one question of four is not above the base by its interval', () => {
    // Differences 0, 0, 0.5, 0: mean 0.125, sd 0.25, t(3) interval -0.27 to 0.52.
    const [alarm] = alarms([base, [cell('plain', 20), rows('inDomain', [0, 0, 6, 0])]])
    expect(alarm?.message).toContain('difference -27 % to 52 %')
  })

  test('a rise that differs much between questions, and is large on all of them together, is learning', () => {
    // Differences 1, 0.1, 0.9, 0.2: t(3) interval -0.19 to 1.29; over these questions alone 0.41 to 0.69 (numpy and scipy).
    expect(found([base, [cell('plain', 20), rows('inDomain', [10, 1, 10, 2])]])).toEqual([])
  })

  test('only the last step counts, and every checkpoint is named', () => {
    const late = [cell('plain', 20), rows('inDomain', [0, 0, 1, 0])] as const
    const early = [cell('plain', 10), rows('inDomain', [9, 9, 9, 9])] as const
    expect(found([base, late, early])).toEqual([['no-in-domain-learning', 'plain/20', 'plain/10']])
    const learned = [cell('plain', 20), rows('inDomain', [9, 9, 9, 9])] as const
    const slow = [cell('plain', 10), rows('inDomain', [0, 0, 1, 0])] as const
    expect(found([base, slow, learned])).toEqual([])
  })

  test('one question, or a base that was not asked, cannot tell, and is said to be unclear', () => {
    const asked = [cell('plain', 20), rows('inDomain', [9])] as const
    expect(found([base, asked])).toEqual([['in-domain-unclear', 'plain/20']])
    expect(found([[cell('base', 0, 'base'), []], asked])).toEqual([
      ['in-domain-unclear', 'plain/20'],
    ])
  })

  test('without in-domain questions nothing is said', () => {
    const main = rows('main', [1, 2, 3, 4])
    expect(
      found([
        [base[0], main],
        [cell('plain', 20), main],
      ]),
    ).toEqual([])
    expect(alarms([])).toEqual([])
  })

  test('a variant far below the baseline at the step of comparison learned less', () => {
    const plain = [cell('plain', 20), rows('inDomain', [10, 9, 10, 9])] as const
    const slow = [cell('slow', 20), rows('inDomain', [6, 7, 5, 6])] as const
    const near = [cell('near', 20), rows('inDomain', [9, 8, 9, 8])] as const
    expect(found([base, plain, slow, near])).toEqual([['learned-less', 'slow/20']])
  })

  test('the comparison is at the last step that both have', () => {
    const plain = [10, 20].map(
      (step) => [cell('plain', step), rows('inDomain', [10, 9, 10, 9])] as const,
    )
    const slow = [cell('slow', 10), rows('inDomain', [6, 7, 5, 6])] as const
    const later = [cell('slow', 40), rows('inDomain', [10, 9, 10, 9])] as const
    expect(found([base, ...plain, slow, later])).toEqual([['learned-less', 'slow/10']])
  })
})

describe('unscored answers', () => {
  const em = [0, 0, 0, 0, 0, 0, 0, 0]
  const none = [cell('base', 0, 'base'), rows('main', em, [0, 1, 0, 0, 0, 1, 0, 0])] as const

  test('a share that differs from that of the base is flagged with both', () => {
    const entry = [cell('plain', 20), rows('main', em, [3, 2, 3, 4, 2, 3, 3, 2])] as const
    const [alarm] = alarms([none, entry])
    expect(alarm).toMatchObject({ code: 'unscored-differs', cells: ['plain/20'] })
    // 22 and 2 of 80.
    expect(alarm?.message).toContain('plain/20 28 % against base/0 2.5 %')
  })

  test('the same share in other questions, and a small difference, are not', () => {
    expect(found([none, [cell('plain', 20), rows('main', em, [1, 0, 0, 1, 0, 0, 0, 1])]])).toEqual(
      [],
    )
  })

  test('two variants that both differ from the base alike differ from it, and not from each other', () => {
    const shares = [3, 2, 3, 4, 2, 3, 3, 2]
    const plain = [cell('plain', 20), rows('main', em, shares)] as const
    const other = [cell('other', 20), rows('main', em, shares)] as const
    expect(found([none, plain, other])).toEqual([['unscored-differs', 'plain/20', 'other/20']])
  })
})
