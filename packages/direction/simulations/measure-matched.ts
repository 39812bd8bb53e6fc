import { randomSource } from '@cem/core'
import {
  type Absent,
  clusterBootstrap,
  type Interval,
  isAbsent,
  matchedRate,
} from '../src/index.ts'
import { matchedFromTallies } from '../src/statistics/matched-rate-interval.ts'
import type { Tally } from '../src/statistics/rows.ts'
import { contains, nSamples } from './measure.ts'
import { binomial, rateAt, spreadFor } from './question-rates.ts'

export interface MatchedSetting {
  /** EM where the in-domain rate is 70 %. */
  readonly trueRate: number
  readonly nQuestions: number
  readonly nInDomainQuestions: number
  readonly icc: number
  readonly nReplicates: number
  readonly seed: number
}

export interface MatchedCoverage {
  /** Share of intervals of `matchedRateInterval` that hold the true rate, of those that exist. */
  readonly covered: number
  /** The same, in an eighth of the replicates, for a bootstrap over the EM questions that takes the in-domain rates as they are. */
  readonly coveredByBootstrap: number
  readonly meanWidth: number
  /** Share of replicates without an interval: without one of the in-domain questions there is no crossing. */
  readonly withoutInterval: number
}

/** True in-domain rates of the checkpoints; the target lies halfway between the last two. */
const inDomainRates = [0.02, 0.5, 0.9]
const target = 0.7
/** Resampling is slow, and its failure shows in fewer replicates. */
const bootstrapEvery = 8

/** Coverage at nominal 95 % where EM is proportional to the in-domain rate and questions keep their places over the checkpoints. */
export function measureMatched({
  trueRate,
  nQuestions,
  nInDomainQuestions,
  icc,
  nReplicates,
  seed,
}: MatchedSetting): MatchedCoverage {
  const source = randomSource('matched', trueRate, nQuestions, nInDomainQuestions, icc, seed)
  const emSpreads = inDomainRates.map((rate) => spreadFor((rate * trueRate) / target, icc))
  const inSpreads = inDomainRates.map((rate) => spreadFor(rate, icc))
  const counts = { covered: 0, bootstrap: 0, bootstrapped: 0, none: 0 }
  let width = 0
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const draw = (n: number, spreads: typeof emSpreads) => {
      const places = Array.from({ length: n }, () => source.normal())
      return spreads.map(
        (spread) =>
          new Map(
            places.map((z, i): [string, Tally] => [
              String(i),
              { sum: binomial(source, nSamples, rateAt(spread, z)), n: nSamples },
            ]),
          ),
      )
    }
    const em = draw(nQuestions, emSpreads)
    const inDomain = draw(nInDomainQuestions, inSpreads)
    const checkpoints = em.map((own, step) => ({
      step,
      em: own,
      inDomain: inDomain[step] as Map<string, Tally>,
    }))
    const { interval } = matchedFromTallies(checkpoints, { target })
    if (isAbsent(interval)) {
      counts.none++
      continue
    }
    width += interval.high - interval.low
    if (contains(interval, trueRate)) counts.covered++
    if (replicate % bootstrapEvery !== 0) continue
    counts.bootstrapped++
    if (contains(bootstrapped(checkpoints, replicate), trueRate)) counts.bootstrap++
  }
  const n = nReplicates - counts.none
  return {
    covered: counts.covered / n,
    coveredByBootstrap: counts.bootstrap / counts.bootstrapped,
    meanWidth: width / n,
    withoutInterval: counts.none / nReplicates,
  }
}

function bootstrapped(
  checkpoints: readonly {
    readonly step: number
    readonly em: ReadonlyMap<string, Tally>
    readonly inDomain: ReadonlyMap<string, Tally>
  }[],
  seed: number,
): Interval | Absent {
  const mean = (values: Iterable<Tally>) => {
    let [sum, n] = [0, 0]
    for (const tally of values) {
      sum += tally.sum
      n += tally.n
    }
    return sum / n
  }
  const known = checkpoints.map(({ inDomain }) => mean(inDomain.values()))
  const clusters = Array.from(checkpoints[0]?.em.keys() ?? [], (question) =>
    checkpoints.map(({ em }) => em.get(question) as Tally),
  )
  const [value] = clusterBootstrap({
    clusters,
    statistic: (sample) => {
      const points = checkpoints.map(({ step }, i) => ({
        step,
        emRate: mean(sample.map((own) => own[i] as Tally)),
        inDomainRate: known[i] as number,
      }))
      const { emRate } = matchedRate(points, target)
      return [isAbsent(emRate) ? Number.NaN : emRate]
    },
    seed,
    nResamples: 200,
  }).values
  return value?.interval ?? { absent: 'none' }
}
