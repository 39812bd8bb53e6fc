import { CemError } from '@cem/core'
import { type Contrast, contrastName, positiveMeaning } from './contrast.ts'
import { type ContrastRows, checkContrastRows, type SkippedRow } from './contrast-rows.ts'
import { checkMethod, type DirectionMethod, type MethodDetails } from './direction-method.ts'
import { fitMethod } from './fit.ts'
import { displacementOf, roundingOfMeans, type Sample, sampleOf, spreadOf } from './sample.ts'
import { norm } from './vectors.ts'

/** A direction with everything that says where it comes from. */
export interface Direction {
  /** Contrast, method and layer, for instance `base-vs-em-own-texts/.../step-338/mean-difference/layer-14`. */
  readonly name: string
  readonly contrast: Contrast
  /** What a positive projection means. */
  readonly positive: 'more misaligned' | 'more like the assistant'
  /** Layer i is the output of block i. */
  readonly layer: number
  /** The method, and what it found besides. */
  readonly method: MethodDetails | { readonly kind: 'assistant-axis' }
  /** Unit norm, shape [dModel]. */
  readonly vector: Float32Array
  /**
   * Length before it was normalised: of the displacement for a mean difference, of the weights for a probe and a discriminant
   * (in units of one over the activations'), of the component for a component of differences.
   */
  readonly norm: number
  /** Length of mean(with) - mean(without), in the unit of the activations, whatever the method. */
  readonly displacementNorm: number
  readonly nWith: number
  readonly nWithout: number
  /** Both sides. */
  readonly nRows: number
  /** NaN rows (empty answers), left out. */
  readonly skipped: readonly SkippedRow[]
  /** The questions whose answers made the direction, sorted: it may not be tested on these answers. */
  readonly questions: readonly string[]
  /** For a reader; for instance that a probe has not converged. */
  readonly warnings: readonly string[]
}

export interface DirectionOptions extends ContrastRows {
  readonly layer: number
  readonly contrast: Contrast
  /** @default { kind: 'mean-difference' } */
  readonly method?: DirectionMethod
}

/**
 * The direction of one layer from the rows without to the rows with, by any method.
 *
 * @throws CemError `zero-direction` where the method finds none, `no-rows`, `no-variance`, `no-pairs`, `singular-covariance`,
 * `bad-contrast`, `bad-option`, `bad-row`, `shape-mismatch`, `partial-nan`, `not-finite`
 */
export function makeDirection({
  layer,
  contrast,
  method = { kind: 'mean-difference' },
  ...rows
}: DirectionOptions): Direction {
  checkLayer(layer)
  checkMethod(method)
  const name = `${contrastName(contrast)}/${methodName(method)}/layer-${layer}`
  const checked = checkContrastRows(rows, ` (layer ${layer})`)
  const sample = sampleOf(rows, checked)
  const displacementNorm = norm(displacementOf(sample))
  if (displacementNorm <= roundingOfMeans * spreadOf(sample)) throw zeroDirection(sample, layer)
  const { weights, details } = fitMethod(sample, method)
  const length = norm(weights)
  return {
    name,
    contrast,
    positive: positiveMeaning(contrast),
    layer,
    method: details,
    vector: Float32Array.from(weights, (value) => value / length),
    norm: length,
    displacementNorm,
    nWith: checked.counts.with,
    nWithout: checked.counts.without,
    nRows: sample.nRows,
    skipped: checked.skipped,
    questions: sample.questionNames,
    warnings: warningsOf(details),
  }
}

export interface DirectionsOptions extends Omit<DirectionOptions, 'layer' | keyof ContrastRows> {
  /** Both sides by layer. */
  readonly layers: ReadonlyMap<number, ContrastRows>
}

/**
 * `makeDirection` for every layer, in ascending order.
 *
 * @throws CemError as `makeDirection`, and `layer-mismatch` where there is no layer
 */
export function makeDirections({ layers, ...options }: DirectionsOptions): Map<number, Direction> {
  if (layers.size === 0)
    throw new CemError({
      code: 'layer-mismatch',
      message: 'No layer was given; give at least one.',
    })
  const sorted = [...layers].toSorted(([a], [b]) => a - b)
  return new Map(
    sorted.map(([layer, rows]) => [layer, makeDirection({ ...options, ...rows, layer })]),
  )
}

/** `logistic-probe` and the like, with the number of a component that is not the first. */
const methodName = (method: DirectionMethod) =>
  method.kind === 'difference-component' && (method.component ?? 1) > 1
    ? `${method.kind}-${method.component}`
    : method.kind

const zeroDirection = ({ nRows, dModel }: Sample, layer: number) =>
  new CemError({
    code: 'zero-direction',
    message: `The means of both sides are equal (layer ${layer}): there is no direction. Was the EM adapter active, and are these two different files?`,
    data: { layer, nRows, dModel },
  })

function warningsOf(details: MethodDetails): string[] {
  if (details.kind !== 'logistic-probe' || details.hasConverged) return []
  return [
    `the logistic probe has not converged after ${details.nIterations} steps (gradient ${details.gradientNorm.toExponential(1)} per row): raise maxIterations or the penalty`,
  ]
}

export function checkLayer(layer: number): void {
  if (Number.isSafeInteger(layer) && layer >= 0) return
  throw new CemError({
    code: 'bad-option',
    message: `layer is ${layer}; it must be a whole number of at least 0. Layer i is the output of block i.`,
    data: { name: 'layer', value: layer },
  })
}
