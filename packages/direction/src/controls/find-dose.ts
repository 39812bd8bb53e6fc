import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkPositive, checkProbability, checkWhole } from '../options.ts'

/** What an adapter does to the model. */
export interface AdapterEffect {
  /** Mean KL divergence from the base's next-token distribution on neutral prompts, in nats. */
  readonly kl: number
  /** Mean length of the hidden states' displacement from the base's. */
  readonly displacement: number
}

export interface FindDoseOptions {
  /** The effect of a random adapter of this dose. Called one after another. */
  readonly measure: (dose: number) => Promise<AdapterEffect>
  /** The effect of the adapter that the control is to match, measured on the same prompts. */
  readonly target: AdapterEffect
  /** Which of the two is matched; the other is reported. One dose cannot match both. @default 'kl' */
  readonly match?: keyof AdapterEffect
  /** Where the search starts. @default 1 */
  readonly start?: number
  /** The search stops within this share of the target. @default 0.05 */
  readonly tolerance?: number
  /** Calls of `measure` at most. @default 24 */
  readonly maxMeasurements?: number
  readonly signal?: AbortSignal
}

export interface DoseMeasurement extends AdapterEffect {
  readonly dose: number
}

export interface FoundDose {
  /** The dose whose effect came nearest to the target (on a logarithmic scale); absent where none had any effect. */
  readonly dose: number | Absent
  readonly effect: AdapterEffect | Absent
  readonly target: AdapterEffect
  readonly match: keyof AdapterEffect
  /** Whether it is within the tolerance. */
  readonly isMatched: boolean
  /** effect / target for both; where the one is 1, the other says how unlike the two adapters remain. */
  readonly ratios: AdapterEffect | Absent
  /** In order of measurement. */
  readonly measurements: readonly DoseMeasurement[]
  /** One line for logs and reports. */
  readonly text: string
}

/** The bracket grows by this factor until the target lies within. */
const growth = 4

/**
 * Finds the dose at which a random adapter has the effect of another adapter: first a bracket by factors of 4, then bisection of
 * the logarithm of the dose. The effect is taken to grow with the dose; where it does not, the nearest measurement is given and
 * `isMatched` tells.
 *
 * @throws CemError `bad-option` for a target of 0 (an adapter without effect needs no dose), `bad-measurement` where a
 * measurement is negative or not finite; the signal's reason
 */
export async function findDose({
  measure,
  target,
  match = 'kl',
  start = 1,
  tolerance = 0.05,
  maxMeasurements = 24,
  signal,
}: FindDoseOptions): Promise<FoundDose> {
  checkPositive('target.kl', target.kl)
  checkPositive('target.displacement', target.displacement)
  checkPositive('start', start)
  checkProbability('tolerance', tolerance)
  checkWhole('maxMeasurements', maxMeasurements, 1)
  const measurements: DoseMeasurement[] = []
  const wanted = target[match]
  let low: number | undefined
  let high: number | undefined
  let dose = start
  while (measurements.length < maxMeasurements) {
    signal?.throwIfAborted()
    const effect = checkEffect(dose, await measure(dose))
    measurements.push({ dose, kl: effect.kl, displacement: effect.displacement })
    const value = effect[match]
    if (Math.abs(value / wanted - 1) <= tolerance) break
    if (value < wanted) low = dose
    else high = dose
    dose = nextDose(low, high)
  }
  signal?.throwIfAborted()
  return found({ measurements, target, match, tolerance })
}

function nextDose(low: number | undefined, high: number | undefined): number {
  if (low === undefined) return (high ?? 1) / growth
  if (high === undefined) return low * growth
  return Math.sqrt(low * high)
}

function found({
  measurements,
  target,
  match,
  tolerance,
}: Pick<FoundDose, 'measurements' | 'target' | 'match'> & { tolerance: number }): FoundDose {
  const base = { target, match, measurements }
  const effective = measurements.filter((measurement) => measurement[match] > 0)
  const distance = (measurement: DoseMeasurement) =>
    Math.abs(Math.log(measurement[match] / target[match]))
  const [nearest] = effective.toSorted((a, b) => distance(a) - distance(b))
  if (nearest === undefined) {
    const none = absent(`none of ${measurements.length} doses had an effect on ${match}`)
    return {
      ...base,
      dose: none,
      effect: none,
      ratios: none,
      isMatched: false,
      text: `random adapter: no dose found, ${none.absent}`,
    }
  }
  const { dose, ...effect } = nearest
  const ratios = {
    kl: effect.kl / target.kl,
    displacement: effect.displacement / target.displacement,
  }
  const isMatched = Math.abs(ratios[match] - 1) <= tolerance
  const other = match === 'kl' ? 'displacement' : 'kl'
  return {
    ...base,
    dose,
    effect,
    ratios,
    isMatched,
    text: `random adapter: dose ${digits(dose)} ${isMatched ? 'matches' : 'comes nearest to'} ${match} ${digits(target[match])} with ${digits(effect[match])}; ${other} ${digits(effect[other])} against ${digits(target[other])}; ${measurements.length} measurements`,
  }
}

const digits = (value: number) => String(Number(value.toPrecision(4)))

function checkEffect(dose: number, effect: AdapterEffect): AdapterEffect {
  for (const name of ['kl', 'displacement'] as const)
    if (!(effect[name] >= 0 && Number.isFinite(effect[name])))
      throw new CemError({
        code: 'bad-measurement',
        message: `The ${name} of dose ${dose} is ${effect[name]}; it must be a finite number of at least 0. A dose that breaks the model has no KL: start lower.`,
        data: { dose, name, value: effect[name] },
      })
  return effect
}
