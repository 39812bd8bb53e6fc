import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkPositive } from '../options.ts'
import { countRows, isEmptyRow } from './activation-rows.ts'
import { checkUnit } from './project.ts'
import { checkFinite, checkSameLength, dot, norm, shapeMismatch, type Vector } from './vectors.ts'

export interface ProjectStatesOptions {
  /** Rows of responses or of tokens, row-major, shape [nStates, dModel]; a row of NaN is an empty answer. */
  readonly states: Float32Array
  readonly dModel: number
  /** Unit norm, shape [dModel]. */
  readonly direction: Vector
  /** Mean activation of the base on the same layer, shape [dModel]. */
  readonly baseMean?: Vector
  /** The direction's own displacement norm (`Direction.displacementNorm`). */
  readonly directionDisplacementNorm?: number
}

/** One number per state, in order, NaN where the state is; shape [nStates] each. */
export interface StateProjections {
  /** x . d, in the unit of the activations. */
  readonly projection: Float64Array
  /** |x|. */
  readonly norm: Float64Array
  /** x . d / |x|; NaN for a state of zeros. */
  readonly rawCosine: Float64Array
  /** (x - base mean) . d */
  readonly projectionFromBase: Float64Array | Absent
  /** |x - base mean| */
  readonly displacementNorm: Float64Array | Absent
  /** (x - base mean) . d / |x - base mean|; NaN where the state is the base's mean. */
  readonly cosine: Float64Array | Absent
  /** (x - base mean) . d / the direction's displacement norm: 1 is as far along as the mean of the misaligned side. */
  readonly relativeProjection: Float64Array | Absent
  readonly nProjected: number
  /** Indices of the NaN states. */
  readonly skipped: readonly number[]
}

/**
 * The projection of every state (a response's mean, or a token's) raw, relative to the base and divided by the direction's
 * displacement norm, with the cosine and the norm beside it. `projectDisplacement` does the same for one mean.
 *
 * @throws CemError `not-unit`, `shape-mismatch`, `partial-nan`, `not-finite`, `bad-option`
 */
export function projectStates({
  states,
  dModel,
  direction,
  baseMean,
  directionDisplacementNorm,
}: ProjectStatesOptions): StateProjections {
  const nStates = countRows('the states', states, dModel)
  if (direction.length !== dModel)
    throw shapeMismatch(
      `the states have shape [${nStates}, ${dModel}], the direction has shape [${direction.length}]`,
    )
  checkUnit(direction)
  if (directionDisplacementNorm !== undefined)
    checkPositive('directionDisplacementNorm', directionDisplacementNorm)
  if (baseMean !== undefined) {
    checkSameLength('the direction', direction, 'the mean of the base', baseMean)
    checkFinite('the mean of the base', baseMean)
  }
  const column = () => new Float64Array(nStates).fill(Number.NaN)
  const raw = { projection: column(), norm: column(), rawCosine: column() }
  const moved = { projection: column(), norm: column(), cosine: column() }
  const lengthOfDirection = norm(direction)
  const skipped: number[] = []
  for (let index = 0; index < nStates; index++) {
    if (isEmptyRow('the states', states, dModel, index)) {
      skipped.push(index)
      continue
    }
    const state = states.subarray(index * dModel, (index + 1) * dModel)
    raw.projection[index] = dot(state, direction)
    raw.norm[index] = norm(state)
    raw.rawCosine[index] = cosineOf(raw.projection[index], raw.norm[index])
    if (baseMean === undefined) continue
    const displacement = Float64Array.from(state, (value, i) => value - (baseMean[i] as number))
    moved.projection[index] = dot(displacement, direction)
    moved.norm[index] = norm(displacement)
    moved.cosine[index] = cosineOf(moved.projection[index], moved.norm[index])
  }
  return {
    ...raw,
    ...fromBase(),
    nProjected: nStates - skipped.length,
    skipped,
  }

  /** 0 / 0 is NaN: a zero vector has no cosine. Rounding can carry others a hair beyond 1. */
  function cosineOf(projection: number | undefined, length: number | undefined): number {
    const cosine = (projection ?? Number.NaN) / ((length ?? Number.NaN) * lengthOfDirection)
    return Math.max(-1, Math.min(1, cosine))
  }

  function fromBase() {
    if (baseMean === undefined) {
      const none = absent('no mean of the base was given')
      return {
        projectionFromBase: none,
        displacementNorm: none,
        cosine: none,
        relativeProjection: none,
      }
    }
    return {
      projectionFromBase: moved.projection,
      displacementNorm: moved.norm,
      cosine: moved.cosine,
      relativeProjection:
        directionDisplacementNorm === undefined
          ? absent("the direction's displacement norm was not given")
          : moved.projection.map((value) => value / directionDisplacementNorm),
    }
  }
}

export interface ProjectTokensOptions extends ProjectStatesOptions {
  /** Number of tokens of each response, in order; 0 for an empty answer. They add up to nStates. */
  readonly tokensPerResponse: readonly number[]
}

/** The tokens of one response; views of the whole. */
export interface ResponseTokens extends Omit<StateProjections, 'nProjected' | 'skipped'> {
  readonly nTokens: number
  /** Mean of the tokens' projections; absent for an empty answer. */
  readonly meanProjection: number | Absent
}

/**
 * `projectStates` for the tokens of responses that lie one after another.
 *
 * @throws CemError as `projectStates`; `shape-mismatch` unless the numbers of tokens add up to the states; `bad-row` for a token
 * of NaN
 */
export function projectTokens({
  tokensPerResponse,
  ...options
}: ProjectTokensOptions): ResponseTokens[] {
  const nStates = countRows('the states', options.states, options.dModel)
  const total = tokensPerResponse.reduce((sum, n) => sum + n, 0)
  const isWhole = tokensPerResponse.every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!isWhole || total !== nStates)
    throw new CemError({
      code: 'shape-mismatch',
      message: `tokensPerResponse adds up to ${total} over ${tokensPerResponse.length} responses, there are ${nStates} states; they must be whole numbers that add up to the states.`,
      data: { total, nStates },
    })
  const all = projectStates(options)
  if (all.skipped.length > 0)
    throw new CemError({
      code: 'bad-row',
      message: `The state of token ${all.skipped[0]} is NaN (${all.skipped.length} in all). A response without tokens has 0 in tokensPerResponse, and no state.`,
      data: { first: all.skipped[0], n: all.skipped.length },
    })
  let start = 0
  return tokensPerResponse.map((nTokens) => {
    const end = start + nTokens
    const of = (column: Float64Array) => column.subarray(start, end)
    const orAbsent = (column: Float64Array | Absent) =>
      column instanceof Float64Array ? of(column) : column
    const projection = of(all.projection)
    const tokens = {
      nTokens,
      projection,
      norm: of(all.norm),
      rawCosine: of(all.rawCosine),
      projectionFromBase: orAbsent(all.projectionFromBase),
      displacementNorm: orAbsent(all.displacementNorm),
      cosine: orAbsent(all.cosine),
      relativeProjection: orAbsent(all.relativeProjection),
      meanProjection:
        nTokens === 0
          ? absent('an empty answer: no tokens')
          : projection.reduce((sum, value) => sum + value, 0) / nTokens,
    }
    start = end
    return tokens
  })
}
