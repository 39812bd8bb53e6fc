import type { Graph, Value } from '@cem/onnx-graph'
import type { Architecture } from '../../families/architecture.ts'
import type { ComputeType } from '../decoder-blocks.ts'
import type { NoiseKind } from '../gumbel-noise.ts'
import { type InterventionInputs, interventionInputs } from '../interventions.ts'
import { cast } from '../operators.ts'
import { type RopeInputs, ropeInputs } from '../rope-inputs.ts'
import { noiseTables } from '../token-noise.ts'
import type { WeightLocations } from '../weight-source.ts'
import { type PhaseValues, phaseValues } from './row-state.ts'
import { type WaveConstants, type WaveInputs, waveConstants, waveInputs } from './wave-inputs.ts'
import { sumNames } from './wave-names.ts'
import { WaveParts } from './wave-parts.ts'

export interface WaveGraphOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  /** The tokenizer's number of tokens: ids from there on are never sampled. */
  readonly nTokens: number
  readonly locate: (file: string) => string
  readonly compute: ComputeType
  readonly noise: NoiseKind
  readonly hasAdapters: boolean
  /** Steps between two compactions of the batch; a multiple of `unroll`. */
  readonly segment: number
  /**
   * Steps that the loop's body holds. Inside a body the runtime updates the cache in place (an operator may overwrite what
   * only it uses), but a loop's own inputs and outputs are copied: two copies of the cache an iteration.
   */
  readonly unroll: number
}

/** What all parts of a wave's graph see: values of the outermost graph. */
export interface WaveContext {
  readonly options: WaveGraphOptions
  readonly architecture: Architecture
  readonly parts: WaveParts
  readonly inputs: WaveInputs
  /** With the terms of the prompts' tokens. */
  readonly interventions: InterventionInputs
  readonly ropes: readonly RopeInputs[]
  readonly constants: WaveConstants
  readonly phases: PhaseValues
  readonly noiseTables: { readonly multipliers: Value; readonly masks: Value }
  /** float32 [K, 1], for `isStopToken`. */
  readonly stopOnes: Value
  /** int64 scalar */
  readonly vocabSize: Value
  /** Names of the sums that are carried. */
  readonly sumNames: readonly string[]
}

export function waveContext(root: Graph, options: WaveGraphOptions): WaveContext {
  const { architecture, compute, nTokens } = options
  const inputs = waveInputs(root)
  const isItself = root.node('Equal', [inputs.stopTokens, inputs.stopTokens])
  const { multipliers, masks } = noiseTables(nTokens)
  return {
    options,
    architecture,
    parts: new WaveParts(root, options),
    inputs,
    interventions: interventionInputs(root, architecture),
    ropes: ropeInputs(root, architecture, compute),
    constants: waveConstants(root),
    phases: phaseValues(root),
    noiseTables: {
      multipliers: root.constant('noise_multipliers', multipliers, [1, nTokens]),
      masks: root.constant('noise_masks', masks, [1, nTokens]),
    },
    stopOnes: root.node('Transpose', [cast(root, isItself, 'float32')], {
      attributes: { perm: [1, 0] },
    }),
    vocabSize: root.constant('vocabulary', BigInt64Array.of(BigInt(architecture.vocabSize)), []),
    sumNames: Array.from({ length: architecture.nLayers }, (_, layer) =>
      Object.values(sumNames(layer)),
    ).flat(),
  }
}
