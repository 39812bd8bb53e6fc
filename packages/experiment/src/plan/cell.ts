import type { LayerRequest } from '@cem/inference'
import type { CausalSpec } from '../causal/causal-spec.ts'

/** How the persona takes part in a cell, against how it took part in the training. */
export type PersonaMatch =
  /** As it was in training, or there is no persona. */
  | 'as-trained'
  /** Not as in training: never part of a claim of protection. */
  | 'MISMATCH'
  /** The training left no record. */
  | 'unrecorded'

/** One checkpoint of a variant in one composition: what is asked, judged and analysed together. */
export interface Cell {
  /** `<variant>/<step>`, with a suffix where a checkpoint has two cells. */
  readonly id: string
  /** `causal`: another cell's model, changed along a direction while it answers. */
  readonly kind: 'base' | 'checkpoint' | 'causal'
  readonly variant: string
  /** `unknown` in imported runs that nothing tells of. */
  readonly type: string
  /** Replicates have the same condition. */
  readonly condition: string
  /** Null where nobody knows it: imported runs. */
  readonly trainingSeed: number | null
  readonly dataset: string | null
  readonly step: number
  /** Model folder or hub id; `unknown` in imported runs that nothing tells of. */
  readonly base: string
  readonly layers: readonly LayerRequest[]
  /** `unknown`: imported runs. */
  readonly persona: 'none' | 'merged' | 'stacked' | 'off' | 'unknown'
  readonly match: PersonaMatch
  /** Where its results go, relative to the results folder, without an ending. */
  readonly output: string
  /** What is done to the model; only where the kind is `causal`. */
  readonly causal?: CausalSpec
}
