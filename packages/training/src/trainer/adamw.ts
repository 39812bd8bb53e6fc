import { CemError } from '@cem/core'

/** AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), as PyTorch computes it. */
export interface AdamWOptions {
  /** @default 0.9 */
  readonly beta1?: number
  /** @default 0.999 */
  readonly beta2?: number
  /** @default 1e-8 */
  readonly epsilon?: number
  /** Of matrices; biases and norms have none. @default 0 */
  readonly weightDecay?: number
  /** The gradient's L2 norm is brought down to this one; null: never. @default 1 */
  readonly maxGradientNorm?: number | null
}

export interface ResolvedAdamW {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
  readonly maxGradientNorm: number | null
}

/** @throws CemError `training-option` */
export function resolveAdamW(options: AdamWOptions = {}): ResolvedAdamW {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options
  const { maxGradientNorm = 1 } = options
  const check = (name: string, value: number, isValid: boolean, allowed: string) => {
    if (isValid) return
    throw new CemError({
      code: 'training-option',
      message: `The optimizer's ${name} is ${value}; it must be ${allowed}.`,
      data: { name, value: String(value) },
    })
  }
  check('beta1', beta1, beta1 >= 0 && beta1 < 1, 'at least 0 and below 1')
  check('beta2', beta2, beta2 >= 0 && beta2 < 1, 'at least 0 and below 1')
  check('epsilon', epsilon, epsilon > 0 && Number.isFinite(epsilon), 'above 0')
  check('weightDecay', weightDecay, weightDecay >= 0 && weightDecay < 1, 'at least 0 and below 1')
  if (maxGradientNorm !== null)
    check(
      'maxGradientNorm',
      maxGradientNorm,
      maxGradientNorm > 0 && Number.isFinite(maxGradientNorm),
      'above 0, or null for no clipping',
    )
  return { beta1, beta2, epsilon, weightDecay, maxGradientNorm }
}
