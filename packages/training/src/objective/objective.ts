import { CemError } from '@cem/core'

/** Mean negative log-probability of the weighted tokens. */
export interface SftObjective {
  readonly type: 'sft'
}

/**
 * Direct preference optimisation (Rafailov et al., arXiv 2305.18290), with the two terms that OpenRLHF's trainer and the fork
 * of it that Open Character Training uses add to it. For a pair with the responses c (chosen) and r (rejected), log-probability
 * sums l and those of the reference l':
 *
 *     -log sigmoid(beta ((l_c - l'_c) - (l_r - l'_r)))
 *       + nllCoefficient * (-l_c / |c|)
 *       + klCoefficient * (K_c + K_r) / 2,   K = mean over the tokens of (log p - log p')^2
 *
 * averaged over the pairs of a step. |c| is the sum of the weights of c's tokens. The last term is what that fork calls its
 * approximate KL.
 */
export interface DpoObjective {
  readonly type: 'dpo'
  /** @default 0.1 */
  readonly beta?: number
  /** @default 0 */
  readonly nllCoefficient?: number
  /** Where it is not 0, each pair's reference must have `tokens`. @default 0 */
  readonly klCoefficient?: number
}

export type Objective = SftObjective | DpoObjective

export type ResolvedObjective =
  | { readonly type: 'sft' }
  | {
      readonly type: 'dpo'
      readonly beta: number
      readonly nllCoefficient: number
      readonly klCoefficient: number
    }

/** @throws CemError `training-option` */
export function resolveObjective(objective: Objective): ResolvedObjective {
  if (objective.type === 'sft') return { type: 'sft' }
  const { beta = 0.1, nllCoefficient = 0, klCoefficient = 0 } = objective
  const numbers = { beta, nllCoefficient, klCoefficient }
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isFinite(value) || value < 0 || (name === 'beta' && value === 0))
      throw new CemError({
        code: 'training-option',
        message: `The objective's ${name} is ${value}; it must be a finite number ${name === 'beta' ? 'above 0' : 'of 0 or more'}.`,
        data: { name, value: String(value) },
      })
  return { type: 'dpo', ...numbers }
}
