import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import type { Direction } from '../directions/direction.ts'
import {
  type DisplacementProjection,
  projectDisplacement,
} from '../directions/project-displacement.ts'
import type { Vector } from '../directions/vectors.ts'

/** A training run with its mean, and the direction that was made from it. */
export interface BaselineRun {
  /** Tells runs apart: a seed, a data set. */
  readonly name: string
  readonly direction: Direction
  /** Mean activation of the run's answers, shape [dModel]. */
  readonly mean: Vector
  /** Mean activation of the base's answers, shape [dModel]. */
  readonly baseMean: Vector
}

export interface OtherRunProjection extends DisplacementProjection {
  /** The run that is projected. */
  readonly run: string
  /** The run whose direction it is projected on. */
  readonly onDirectionOf: string
  /** On its own direction a run's projection is maximal by construction: no finding. */
  readonly isOwn: boolean
}

export interface RunSummary {
  readonly run: string
  /** Relative projection on its own direction; 1 for a mean difference. */
  readonly own: number
  /** Mean of the relative projections on the directions of the other runs: what to hold a variant's projection against. */
  readonly meanOnOthers: number | Absent
  readonly lowestOnOthers: number | Absent
  readonly highestOnOthers: number | Absent
}

export interface OtherRuns {
  readonly projections: readonly OtherRunProjection[]
  readonly runs: readonly RunSummary[]
}

/**
 * Every run projected on the directions of all runs of one layer: baselines of several seeds, or of several data sets. A
 * baseline's projection on its own direction is maximal by construction; that on the others' is what a variant can be compared
 * with. Relative projections are divided by the displacement norm of the direction's run.
 *
 * @throws CemError `duplicate-name`, `bad-option` for no runs or directions of different layers; as `projectDisplacement`
 */
export function projectOtherRuns(runs: readonly BaselineRun[]): OtherRuns {
  checkRuns(runs)
  const projections = runs.flatMap((run) =>
    runs.map((other) => ({
      run: run.name,
      onDirectionOf: other.name,
      isOwn: run === other,
      ...projectDisplacement({
        mean: run.mean,
        baseMean: run.baseMean,
        direction: other.direction.vector,
        directionDisplacementNorm: other.direction.displacementNorm,
      }),
    })),
  )
  return { projections, runs: runs.map(({ name }) => summaryOf(name, projections)) }
}

function summaryOf(name: string, projections: readonly OtherRunProjection[]): RunSummary {
  const of = (isOwn: boolean) =>
    projections.flatMap(({ run, isOwn: own, relativeProjection }) =>
      run === name && own === isOwn && typeof relativeProjection === 'number'
        ? [relativeProjection]
        : [],
    )
  const others = of(false)
  const [own = Number.NaN] = of(true)
  const none = absent('there is one run: no other direction to project on')
  if (others.length === 0)
    return { run: name, own, meanOnOthers: none, lowestOnOthers: none, highestOnOthers: none }
  return {
    run: name,
    own,
    meanOnOthers: others.reduce((sum, value) => sum + value, 0) / others.length,
    lowestOnOthers: Math.min(...others),
    highestOnOthers: Math.max(...others),
  }
}

function checkRuns(runs: readonly BaselineRun[]): void {
  const [first] = runs
  if (first === undefined)
    throw new CemError({ code: 'bad-option', message: 'There are no runs; give at least one.' })
  for (const [index, { name, direction }] of runs.entries()) {
    if (runs.findIndex((run) => run.name === name) !== index)
      throw new CemError({
        code: 'duplicate-name',
        message: `Two runs are named ${JSON.stringify(name)}; names must tell them apart.`,
        data: { name },
      })
    if (direction.layer !== first.direction.layer)
      throw new CemError({
        code: 'bad-option',
        message: `The direction of ${name} is of layer ${direction.layer}, that of ${first.name} of layer ${first.direction.layer}; compare one layer at a time.`,
        data: { name, layer: direction.layer, expected: first.direction.layer },
      })
  }
}
