import { CemError } from '@cem/core'
import { type Absent, absent, isAbsent } from '../absent.ts'
import { clusterJackknife } from './cluster-jackknife.ts'
import type { Interval } from './interval.ts'
import type { MeanOptions } from './mean-by-question.ts'
import { checkRow, type StatisticRow, seedOf } from './rows.ts'

/** One answer and the name of the random numbers that it was sampled with. */
export interface NoiseRow extends StatisticRow {
  /** Names the draw within its question and seed: wording and sample index. Equal names in two conditions share their noise. */
  readonly noise: string | number
}

export interface SharedNoise {
  /** Share of the sampling variance of the difference that sharing removed: 0 for nothing, below 0 where it added. */
  readonly removed: number | Absent
  /** Interval of `removed`, leaving out one question at a time. */
  readonly interval: Interval | Absent
  /** Variance of the mean difference from the sampling of answers: with the noise that was used, and had it not been shared. */
  readonly samplingVariance: { readonly paired: number; readonly unpaired: number } | Absent
  /** Standard error of the difference over questions: as it is, and had the noise not been shared. */
  readonly standardError: { readonly paired: number; readonly unpaired: number } | Absent
  /** Draws with a score on both sides. */
  readonly nPairs: number
  /** Scored rows of a and b without a scored partner of the same name. */
  readonly nUnpaired: number
  /** Questions with at least two pairs: the others show no variance within. */
  readonly nQuestions: number
}

/**
 * How much variance the shared random numbers removed from the difference of two conditions, measured in this run. Per question,
 * with variances v_a, v_b and covariance c of the n pairs: the mean difference has the sampling variance (v_a + v_b - 2c) / n
 * with shared noise and (v_a + v_b) / n without; removed = sum 2c/n / sum (v_a + v_b)/n over questions. Sharing does not touch
 * what differs between questions: `standardError` shows what is left of the gain in the whole.
 *
 * @throws CemError `bad-row`, also for a name that appears twice in one question and seed; `bad-option`
 */
export function sharedNoise(
  a: readonly NoiseRow[],
  b: readonly NoiseRow[],
  { level = 0.95 }: MeanOptions = {},
): SharedNoise {
  const [sideA, sideB] = [drawsOf(a), drawsOf(b)]
  const pairs = [...sideA].flatMap(([name, { question, value }]) => {
    const other = sideB.get(name)
    return other === undefined ? [] : [{ question, a: value, b: other.value }]
  })
  const nPairs = pairs.length
  const groups = [...Map.groupBy(pairs, ({ question }) => question).values()]
  const spreads = groups.filter(({ length }) => length >= 2).map(spreadOf)
  const counts = {
    nPairs,
    nUnpaired: sideA.size + sideB.size - 2 * nPairs,
    nQuestions: spreads.length,
  }
  const { estimate: removed, interval } = clusterJackknife({
    clusters: spreads,
    statistic: (questions) =>
      total(questions, (it) => it.removed) / total(questions, (it) => it.unpaired),
    level,
  })
  if (isAbsent(removed)) {
    const why = absent(
      spreads.length === 0
        ? 'no question has two draws that both conditions share'
        : 'all answers to a question have the same value: no variance to remove',
    )
    return { ...counts, removed: why, interval: why, samplingVariance: why, standardError: why }
  }
  const unpaired = total(spreads, (it) => it.unpaired) / spreads.length ** 2
  const gain = removed * unpaired
  return {
    ...counts,
    removed,
    interval,
    samplingVariance: { paired: unpaired - gain, unpaired },
    standardError: errorsOf(spreads, gain),
  }
}

interface Draw {
  readonly question: string
  readonly value: number
}

function drawsOf(rows: readonly NoiseRow[]): ReadonlyMap<string, Draw> {
  const draws = new Map<string, Draw>()
  const seen = new Set<string>()
  for (const [index, row] of rows.entries()) {
    checkRow(row, index)
    const name = JSON.stringify([row.question, seedOf(row), String(row.noise)])
    if (row.noise === undefined || row.noise === '' || seen.has(name))
      throw new CemError({
        code: 'bad-row',
        message: `Row ${index} (question ${JSON.stringify(row.question)}) has noise ${JSON.stringify(row.noise)}; it must name the draw, once per question and seed, for instance by wording and sample index.`,
        data: { index, field: 'noise', value: row.noise },
      })
    seen.add(name)
    if (row.value !== null) draws.set(name, { question: row.question, value: row.value })
  }
  return draws
}

interface QuestionSpread {
  /** Mean of a - b. */
  readonly difference: number
  /** (v_a + v_b) / n. */
  readonly unpaired: number
  /** 2 c / n. */
  readonly removed: number
}

function spreadOf(pairs: readonly { readonly a: number; readonly b: number }[]): QuestionSpread {
  const n = pairs.length
  const meanA = total(pairs, ({ a }) => a) / n
  const meanB = total(pairs, ({ b }) => b) / n
  const scale = 1 / (n - 1) / n
  return {
    difference: meanA - meanB,
    unpaired: scale * total(pairs, ({ a, b }) => (a - meanA) ** 2 + (b - meanB) ** 2),
    removed: scale * 2 * total(pairs, ({ a, b }) => (a - meanA) * (b - meanB)),
  }
}

/** The standard error over questions has the paired sampling variance in it; what sharing removed is added for the other. */
function errorsOf(spreads: readonly QuestionSpread[], gain: number): SharedNoise['standardError'] {
  const n = spreads.length
  if (n < 2) return absent('one question: nothing shows how much questions differ')
  const mean = total(spreads, ({ difference }) => difference) / n
  const variance = total(spreads, ({ difference }) => (difference - mean) ** 2) / (n - 1) / n
  return { paired: Math.sqrt(variance), unpaired: Math.sqrt(Math.max(0, variance + gain)) }
}

const total = <Item>(items: readonly Item[], of: (item: Item) => number) =>
  items.reduce((sum, item) => sum + of(item), 0)
