import type { Intervention } from '@cem/inference'
import type { CausalSpec } from './causal-spec.ts'

/** A direction as interventions need it. */
export interface CausalVector {
  /** Unit norm, [dModel]. */
  readonly vector: Float32Array
  /** Projection of the mean state without EM. */
  readonly projectionWithout: number
}

export interface CausalPlace {
  readonly layer: number
  readonly nLayers: number
  /** Length of the contrast's displacement: the unit of strengths, also for random directions. */
  readonly displacementNorm: number
}

/** What a causal cell does, in numbers. */
export function causalInterventions(
  { action, strength, steerAt }: Pick<CausalSpec, 'action' | 'strength' | 'steerAt'>,
  { vector, projectionWithout }: CausalVector,
  { layer, nLayers, displacementNorm }: CausalPlace,
): readonly Intervention[] {
  const length = (strength ?? 0) * displacementNorm
  const here = { layers: [layer], direction: vector }
  switch (action) {
    case 'steer':
      return [
        {
          kind: 'add',
          ...here,
          coefficient: length,
          positions: steerAt === 'prompt-end' ? 'prompt-end' : 'all',
        },
      ]
    case 'cap':
      return [{ kind: 'cap', ...here, limit: projectionWithout + length, side: 'above' }]
    case 'floor':
      return [{ kind: 'cap', ...here, limit: projectionWithout + length, side: 'below' }]
    case 'ablate':
      return [
        {
          kind: 'ablate',
          layers: Array.from({ length: nLayers }, (_, i) => i),
          direction: vector,
        },
      ]
  }
}
