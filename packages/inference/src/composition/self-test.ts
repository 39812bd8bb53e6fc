import { CemError } from '@cem/core'
import type { Architecture } from '../families/architecture.ts'
import type { LayerRole } from './composition.ts'

/** What the self-test found for one layer of a composition. */
export interface LayerTest {
  readonly role: LayerRole
  readonly mode: 'stacked' | 'merged'
  readonly path: string
  /** Largest change of a logit that the layer makes on the fixed prompt, as a share of the largest logit. */
  readonly effect: number
  /** `untrained`: A or B is zero everywhere, and the effect exactly 0. */
  readonly status: 'active' | 'untrained'
}

export interface MergedTest {
  /** Largest difference between the merged and the stacked logits, as a share of the largest logit. */
  readonly error: number
  /** The part of the change that rounding to the type of the weights lost. */
  readonly lostShare: number
}

export interface SelfTestReport {
  readonly layers: readonly LayerTest[]
  readonly merged: MergedTest | null
}

/** Below this share of the largest logit a change is not told from rounding, in 32-bit floats (design: self-test). */
export const smallestEffect = 1e-5

/** In half precision: so many times what the same prompt's logits differ by between two places of a batch. */
const roundingFactor = 4

/** What a layer must change the logits by at least, where kernels compute in half precision. */
export function smallestHalfEffect(here: Float32Array, there: Float32Array): number {
  return Math.max(smallestEffect, roundingFactor * relativeDifference(there, here))
}

/**
 * How far merged logits may lie from stacked ones: 32-bit rounding, or the type's own (2^-11 and 2^-8 a weight, and 2^-9 of a
 * block's range in 8 bits, where the merged weights and the base are rounded apart).
 */
const mergeTolerance = { F32: 2e-4, F16: 1e-2, BF16: 8e-2, INT8: 8e-2 } as const

/** Twelve token ids spread over the vocabulary: the same for every model with that vocabulary. */
export function selfTestPrompt({ vocabSize }: Architecture, nTokens: number): Int32Array {
  const n = Math.min(vocabSize, nTokens)
  return Int32Array.from({ length: 12 }, (_, i) => Math.floor(((i * 7 + 3) % 12) * (n / 12)))
}

/**
 * Checks that a layer changes the logits.
 *
 * @throws CemError `layer-inactive` where a trained layer changes nothing, or an untrained one does
 */
export function checkStacked(
  layer: { readonly role: LayerRole; readonly path: string },
  isUntrained: boolean,
  logits: { readonly on: Float32Array; readonly off: Float32Array },
  smallest = smallestEffect,
): LayerTest {
  const effect = relativeDifference(logits.on, logits.off)
  if (isUntrained ? effect !== 0 : effect <= smallest)
    throw new CemError({
      code: 'layer-inactive',
      message: isUntrained
        ? `The ${layer.role} adapter ${layer.path} is all zero, and yet it changes the logits by ${effect.toExponential(1)} of the largest. The engine is at fault.`
        : `The ${layer.role} adapter ${layer.path} is not active: switching it on changes the logits by ${effect.toExponential(1)} of the largest, and rounding alone explains ${smallest.toExponential(1)}. Its results would be those of the model without it.`,
      data: { path: layer.path, effect },
    })
  return { ...layer, mode: 'stacked', effect, status: isUntrained ? 'untrained' : 'active' }
}

/**
 * Checks merged weights against the same layers stacked on the base.
 *
 * @throws CemError `merge-mismatch`
 */
export function checkMerged(
  logits: {
    readonly merged: Float32Array
    readonly stacked: Float32Array
    readonly base: Float32Array
  },
  dtype: keyof typeof mergeTolerance,
  lostShare: number,
): MergedTest & { readonly effect: number } {
  const error = relativeDifference(logits.merged, logits.stacked)
  const effect = relativeDifference(logits.merged, logits.base)
  const intended = relativeDifference(logits.stacked, logits.base)
  if (error > mergeTolerance[dtype] && error > intended / 2)
    throw new CemError({
      code: 'merge-mismatch',
      message: `Merged weights give other logits than the stacked adapter: they differ by ${error.toExponential(1)} of the largest, the adapter's own effect is ${intended.toExponential(1)}, and rounding to ${dtype} explains ${mergeTolerance[dtype]}.`,
      data: { error, effect, intended, dtype },
    })
  return { error, effect, lostShare }
}

/** How far a row's logits may lie from those of a run of its own: 32-bit rounding. */
const laneTolerance = 1e-4

/** @throws CemError `lane-mismatch` where a row beside rows of another lane gives something else than alone */
export function checkLane(together: Float32Array, alone: Float32Array): void {
  const error = relativeDifference(together, alone)
  if (error <= laneTolerance) return
  throw new CemError({
    code: 'lane-mismatch',
    message: `A row gives other logits beside rows with other adapters than alone: they differ by ${error.toExponential(1)} of the largest, and rounding explains ${laneTolerance}. The engine is at fault.`,
    data: { error },
  })
}

/** @throws CemError `layer-not-off` unless every bit is the same */
export function checkOff(base: Float32Array, off: Float32Array): void {
  if (base.every((value, i) => Object.is(value, off[i]))) return
  throw new CemError({
    code: 'layer-not-off',
    message: 'Switching every stacked layer off does not give the base back, bit for bit.',
  })
}

/** max |a - b| / max |b| */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0
  let difference = 0
  for (let i = 0; i < b.length; i++) {
    largest = Math.max(largest, Math.abs(b[i] as number))
    difference = Math.max(difference, Math.abs((a[i] as number) - (b[i] as number)))
  }
  return largest === 0 ? difference : difference / largest
}
