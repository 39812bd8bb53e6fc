import {
  type Absent,
  type ComparisonPlan,
  isAbsent,
  type PlanNumbers,
  type PlannedVariance,
  planComparison,
  type SeedVariance,
  sdOfPlannedDifferences,
  varianceFromPilot,
  varianceFromPrior,
  worstCaseVariance,
} from '@cem/direction'
import { alphaOf } from '../analysis/alpha.ts'
import { type Contrast, conditionsOf, contrastsOf } from '../analysis/contrasts.ts'
import { personaConditions } from '../analysis/similarity.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from './cell.ts'
import type { Pilot } from './pilot.ts'
import { plannedRows, type QuestionSet } from './question-sets.ts'

/** What the tests of a run will be able to show. */
export interface PlannedContrasts {
  /** Questions of the EM rate, and the fewest answers to one of them in a cell. */
  readonly nQuestions: number
  readonly nAnswers: number
  /** Corrected for together. */
  readonly family: readonly PlannedContrast[]
  /** All persona conditions alike; null where there are fewer than two. */
  readonly similarity: PlannedSimilarity | null
}

export interface PlannedContrast {
  readonly condition: string
  readonly against: string
  readonly at: Contrast['at']
  readonly nSeeds: number
  readonly plan: ComparisonPlan
}

export interface PlannedSimilarity {
  readonly conditions: readonly string[]
  readonly nPairs: number
  /** Null where the config fixes none. */
  readonly margin: number | null
  /** Chance that all pairs pass where the true differences are 0. */
  readonly power: number | Absent
  readonly questionsNeeded: number | Absent
  /** Where the variance comes from. */
  readonly source: string
}

/**
 * Plans the declared family before a run. The variance is, in this order: that of the same two conditions in the pilot run; the
 * largest among the pilot's pairs; the numbers that the config gives with their source; the worst case.
 *
 * @throws CemError those of `contrastsOf` and `planComparison`
 */
export function planContrasts(
  { config }: LoadedConfig,
  cells: readonly Cell[],
  sets: readonly QuestionSet[],
  pilot: Pilot | undefined,
): PlannedContrasts {
  const main = sets.find((set) => set.name === 'main')
  const perQuestion = Map.groupBy(
    main === undefined ? [] : plannedRows(main, config.sampling.samplesPerQuestion),
    (row) => row.question,
  )
  const nQuestions = perQuestion.size
  const nAnswers = Math.min(...[...perQuestion.values()].map((rows) => rows.length))
  const contrasts = contrastsOf(cells, config).filter((contrast) => contrast.inFamily)
  const { power, difference } = config.plan
  const alpha = alphaOf(config.analysis)
  const family = contrasts.map(({ condition, against, at }): PlannedContrast => {
    const nSeeds = seedsOf(cells, condition)
    const found = varianceFor(config, pilot, condition, against)
    const variance =
      at === 'matched'
        ? { ...found, source: `${found.source}; the error of the in-domain rates comes on top` }
        : found
    const seeds =
      nSeeds === 1 ? undefined : seedVarianceFor(config, pilot, condition, against, nSeeds)
    const plan = planComparison({
      variance,
      nQuestions,
      nAnswers: nAnswers * nSeeds,
      ...(seeds === undefined ? {} : { seeds }),
      nTests: contrasts.length,
      correction: 'Holm',
      alpha,
      power,
      ...(difference === undefined ? {} : { difference }),
    })
    const unknownSeeds =
      nSeeds > 1 && seeds === undefined
        ? [
            `${nSeeds} training seeds, and no variance over seeds is known (plan.seedVariance, or a pilot with several): the plan is about these checkpoints only, and a test over seeds finds less`,
          ]
        : []
    const warnings = [...plan.warnings, ...unknownSeeds]
    return { condition, against, at, nSeeds, plan: { ...plan, warnings } }
  })
  return {
    nQuestions,
    nAnswers,
    family,
    similarity: planSimilarity({ config, cells, pilot, nQuestions, nAnswers, alpha }),
  }
}

interface SimilarityInput {
  readonly config: LoadedConfig['config']
  readonly cells: readonly Cell[]
  readonly pilot: Pilot | undefined
  readonly nQuestions: number
  readonly nAnswers: number
  readonly alpha: number
}

function planSimilarity(input: SimilarityInput): PlannedSimilarity | null {
  const { config, cells, pilot, nQuestions, nAnswers, alpha } = input
  const conditions = [...personaConditions(cells).keys()]
  if (conditions.length < 2) return null
  const pairs = conditions.flatMap((a, i) => conditions.slice(i + 1).map((b) => [a, b] as const))
  const variance = largest(
    pairs.map(([a, b]) => varianceFor(config, pilot, a, b)),
    nAnswers,
  )
  const common = { conditions, nPairs: pairs.length, source: variance.source }
  const margin = config.analysis.equivalenceMargin
  if (margin === undefined) {
    const none = { absent: 'no margin is fixed (analysis.equivalenceMargin)' }
    return { ...common, margin: null, power: none, questionsNeeded: none }
  }
  const nSeeds = Math.min(...conditions.map((name) => seedsOf(cells, name)))
  const { power } = config.plan
  const { atEstimate } = planComparison({
    variance,
    nQuestions,
    nAnswers: nAnswers * nSeeds,
    alpha,
    power,
    margin,
    nPairs: pairs.length,
  })
  const numberOf = (pick: (numbers: PlanNumbers) => number | Absent) =>
    isAbsent(atEstimate) ? atEstimate : pick(atEstimate)
  return {
    ...common,
    margin,
    power: numberOf((numbers) => numbers.equivalencePower),
    questionsNeeded: numberOf((numbers) => numbers.questionsForEquivalence),
  }
}

function seedsOf(cells: readonly Cell[], condition: string): number {
  const own = conditionsOf(cells).get(condition) ?? []
  return Math.max(1, new Set(own.map((cell) => cell.trainingSeed)).size)
}

function varianceFor(
  { plan }: LoadedConfig['config'],
  pilot: Pilot | undefined,
  a: string,
  b: string,
): PlannedVariance {
  const own = pilotVariance(pilot, a, b)
  if (own !== undefined) return own
  const others = pairsOf(pilot).flatMap(([x, y]) => pilotVariance(pilot, x, y) ?? [])
  if (others.length > 0) {
    const widest = largest(others, 1)
    return {
      ...widest,
      source: `${widest.source}, the largest of the pilot's pairs: ${a} and ${b} are not in it`,
    }
  }
  return plan.variance === undefined ? worstCaseVariance() : varianceFromPrior(plan.variance)
}

/** Undefined where the pilot does not have both, has too few questions, or shows no variance at all. */
function pilotVariance(
  pilot: Pilot | undefined,
  a: string,
  b: string,
): PlannedVariance | undefined {
  const pair = pilot?.pair(a, b)
  if (pilot === undefined || pair === undefined) return undefined
  const source = `${pilot.run}, ${a} and ${b} at step ${pair.step}`
  const variance = varianceFromPilot(pair.a, pair.b, { source })
  return isAbsent(variance) || sdOfPlannedDifferences(variance, 1) === 0 ? undefined : variance
}

function pairsOf(pilot: Pilot | undefined): (readonly [string, string])[] {
  const names = pilot?.conditions ?? []
  return names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const))
}

function largest(variances: readonly PlannedVariance[], nAnswers: number): PlannedVariance {
  return variances.reduce((widest, one) =>
    sdOfPlannedDifferences(one, nAnswers) > sdOfPlannedDifferences(widest, nAnswers) ? one : widest,
  )
}

/** Over seeds, of each seed's mean difference: from the config, else from a pilot that has two seeds or more of both. */
function seedVarianceFor(
  { plan }: LoadedConfig['config'],
  pilot: Pilot | undefined,
  a: string,
  b: string,
  nSeeds: number,
): SeedVariance | undefined {
  if (plan.seedVariance !== undefined) {
    const { sd, source } = plan.seedVariance
    return { nSeeds, sdOfDifferences: sd, source }
  }
  const pair = pilot?.pair(a, b)
  if (pilot === undefined || pair === undefined) return undefined
  const [meansA, meansB] = [meansBySeed(pair.a), meansBySeed(pair.b)]
  const differences = [...meansA].flatMap(([seed, mean]) => {
    const other = meansB.get(seed)
    return other === undefined ? [] : [mean - other]
  })
  const n = differences.length
  if (n < 2) return undefined
  const mean = differences.reduce((sum, value) => sum + value, 0) / n
  const sd = Math.sqrt(differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  return sd === 0
    ? undefined
    : { nSeeds, sdOfDifferences: sd, source: `pilot: ${pilot.run}, ${n} seeds of ${a} and ${b}` }
}

function meansBySeed(rows: readonly { seed?: string | number; value: number | null }[]) {
  const scored = rows.flatMap(({ seed, value }) => (value === null ? [] : [{ seed, value }]))
  return new Map(
    [...Map.groupBy(scored, (row) => row.seed)].map(([seed, own]) => [
      seed,
      own.reduce((sum, { value }) => sum + value, 0) / own.length,
    ]),
  )
}
