import { CemError } from '@cem/core'
import { checkFinite, type Vector } from '../directions/vectors.ts'

/** The matrices of one LoRA module: the weight changes by scale * B A. */
export interface LoraMatrices {
  /** Row-major, shape [rank, nIn]. */
  readonly a: Vector
  /** Row-major, shape [nOut, rank]. */
  readonly b: Vector
  readonly rank: number
  readonly nIn: number
  readonly nOut: number
  /** alpha / rank, or alpha / sqrt(rank) with rsLoRA. */
  readonly scale: number
}

/** An adapter's matrices by module name. */
export type LoraModules = ReadonlyMap<string, LoraMatrices>

/** An adapter as it was at a step of its training. */
export interface LoraCheckpoint {
  readonly step: number
  readonly modules: LoraModules
  /** Of the training log, where it has one. */
  readonly gradientNorm?: number | undefined
}

/**
 * Throws `bad-option` without modules or for a scale that is no number, `shape-mismatch` where a matrix does not have the shape
 * that is said, `not-finite` for NaN and infinity.
 */
export function checkModules(name: string, modules: LoraModules): void {
  if (modules.size === 0)
    throw new CemError({
      code: 'bad-option',
      message: `${name} has no modules. Give the matrices of an adapter, by module name.`,
      data: { name },
    })
  for (const [module, { a, b, rank, nIn, nOut, scale }] of modules) {
    const label = `${module} of ${name}`
    const isWhole = [rank, nIn, nOut].every((size) => Number.isSafeInteger(size) && size > 0)
    if (!isWhole || a.length !== rank * nIn || b.length !== nOut * rank)
      throw shapeMismatch(
        `${label} has an A of ${a.length} numbers and a B of ${b.length}; with rank ${rank}, ${nIn} inputs and ${nOut} outputs they have [${rank}, ${nIn}] and [${nOut}, ${rank}]`,
      )
    if (!Number.isFinite(scale))
      throw new CemError({
        code: 'bad-option',
        message: `${label} has the scale ${scale}; it must be a finite number.`,
        data: { name, module, scale },
      })
    checkFinite(`A of ${label}`, a)
    checkFinite(`B of ${label}`, b)
  }
}

/** Throws as `checkModules`, and where steps do not rise or checkpoints do not have the same modules. */
export function checkCheckpoints(checkpoints: readonly LoraCheckpoint[]): void {
  const [first] = checkpoints
  if (first === undefined)
    throw new CemError({ code: 'bad-option', message: 'There are no checkpoints.' })
  for (const [i, { step, modules }] of checkpoints.entries()) {
    const before = checkpoints[i - 1]?.step ?? Number.NEGATIVE_INFINITY
    if (!(Number.isFinite(step) && step > before))
      throw new CemError({
        code: 'bad-option',
        message: `Checkpoint ${i} is of step ${step} and follows step ${before}. Give each step once, in rising order.`,
        data: { index: i, step },
      })
    checkModules(`step ${step}`, modules)
    const [wanted, found] = [shapesOf(first.modules), shapesOf(modules)]
    for (const name of new Set([...wanted.keys(), ...found.keys()]))
      if (wanted.get(name) !== found.get(name))
        throw shapeMismatch(
          `${name} is ${found.get(name) ?? 'missing'} at step ${step} and ${wanted.get(name) ?? 'missing'} at step ${first.step}`,
        )
  }
}

function shapesOf(modules: LoraModules): Map<string, string> {
  const shapes = Array.from(modules, ([name, { rank, nIn, nOut }]) => {
    return [name, `A [${rank}, ${nIn}], B [${nOut}, ${rank}]`] as const
  })
  return new Map(shapes)
}

export function shapeMismatch(shapes: string): CemError {
  return new CemError({
    code: 'shape-mismatch',
    message: `${shapes}. Are these adapters of the same model and modules?`,
    data: { shapes },
  })
}
