import { type Absent, absent } from '../absent.ts'
import { checkNotNegative, checkWhole } from '../options.ts'
import { type LocalCosineOptions, type LoraPart, localCosines } from './local-cosines.ts'
import { checkCheckpoints, type LoraCheckpoint } from './lora-checkpoint.ts'
import { type LoraComponents, loraComponents } from './lora-components.ts'
import { type AdapterNorms, loraNorms } from './lora-norms.ts'
import {
  type PhaseTransition,
  type PhaseTransitionOptions,
  phaseTransition,
} from './phase-transition.ts'

export interface LoraGeometryOptions extends PhaseTransitionOptions, Partial<LocalCosineOptions> {
  /** Principal components of A and of B, at most. @default 3 */
  readonly nComponents?: number
}

export interface LoraGeometryStep {
  readonly step: number
  readonly norms: AdapterNorms
  /** Of displacements before and after this step; see `localCosines`. */
  readonly localCosine: Readonly<Record<LoraPart, number | Absent>>
  /** As it was given. */
  readonly gradientNorm: number | Absent
}

export interface LoraGeometry {
  readonly steps: readonly LoraGeometryStep[]
  readonly transition: Readonly<Record<LoraPart, PhaseTransition>>
  readonly components: {
    readonly a: LoraComponents | Absent
    readonly b: LoraComponents | Absent
  }
}

/**
 * How an adapter moves over the checkpoints of its training: norms of A, B and scale * B A, local cosines and the step at which
 * the path turns, principal components of A and of B, and the training log's gradient norm beside them.
 *
 * @param checkpoints by rising step, with the same modules in the same shapes
 * @throws CemError `bad-option`, `shape-mismatch`, `not-finite`
 */
export async function loraGeometry(
  checkpoints: readonly LoraCheckpoint[],
  { span = 1, minimumDisplacement = 0, nComponents = 3, ...thresholds }: LoraGeometryOptions = {},
): Promise<LoraGeometry> {
  checkWhole('span', span, 1)
  checkWhole('nComponents', nComponents, 1)
  checkNotNegative('minimumDisplacement', minimumDisplacement)
  checkCheckpoints(checkpoints)
  const cosines = {
    a: localCosines(checkpoints, 'a', { span, minimumDisplacement }),
    b: localCosines(checkpoints, 'b', { span, minimumDisplacement }),
    change: localCosines(checkpoints, 'change', { span, minimumDisplacement }),
  }
  const cosineAt = (part: LoraPart, i: number) => cosines[part][i] as number | Absent
  const transition = (part: LoraPart) =>
    phaseTransition(
      checkpoints.map(({ step }, i) => ({ step, cosine: cosineAt(part, i) })),
      thresholds,
    )
  return {
    steps: checkpoints.map(({ step, modules, gradientNorm }, i) => ({
      step,
      norms: loraNorms(modules),
      localCosine: { a: cosineAt('a', i), b: cosineAt('b', i), change: cosineAt('change', i) },
      gradientNorm: gradientNorm ?? absent('the training log has no gradient norm for this step'),
    })),
    transition: { a: transition('a'), b: transition('b'), change: transition('change') },
    components: {
      a: loraComponents(checkpoints, 'a', nComponents),
      b: loraComponents(checkpoints, 'b', nComponents),
    },
  }
}
