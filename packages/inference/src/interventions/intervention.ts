export type InterventionPositions = 'all' | 'generated' | 'prompt-end'

interface InterventionTarget {
  /**
   * Where it acts: on the output of each of these blocks, the residual stream after the MLP. What follows (the next block, the
   * keys and values that later tokens see, the logits) sees the changed state.
   */
  readonly layers: readonly number[]
  /** [dModel]. It is divided by its length; only `add` with `normalize: false` uses its length. */
  readonly direction: Float32Array
  /**
   * `generated`: only the positions of the answer's own tokens, each of which was sampled and then fed. The prompt's last
   * token, whose state the first token is drawn from, is not among them, nor are the stop token and the template's closing.
   * `prompt-end`: that last token of the prompt alone.
   *
   * @default 'all'
   */
  readonly positions?: InterventionPositions
}

/** x += coefficient * v, with v = direction / |direction|: `coefficient` is a length in the residual stream. */
export interface AddIntervention extends InterventionTarget {
  readonly kind: 'add'
  readonly coefficient: number
  /** False: x += coefficient * direction, as it is. @default true */
  readonly normalize?: boolean
}

/** x -= (x . v) v: afterwards x . v is 0. */
export interface AblateIntervention extends InterventionTarget {
  readonly kind: 'ablate'
}

/** x += (mean - x . v) v: afterwards x . v is `mean`. */
export interface MeanAblateIntervention extends InterventionTarget {
  readonly kind: 'mean-ablate'
  /** A projection on the unit direction, for instance its average over other prompts. */
  readonly mean: number
}

/** Afterwards x . v is at most `limit` (`above`: what is above comes down to it), or at least (`below`). */
export interface CapIntervention extends InterventionTarget {
  readonly kind: 'cap'
  /** A projection on the unit direction. */
  readonly limit: number
  readonly side: 'above' | 'below'
}

/**
 * A change of the residual stream while the model runs. Several act in the order in which they are listed, each on what those
 * before it left, as forward hooks registered in that order would.
 */
export type Intervention =
  | AddIntervention
  | AblateIntervention
  | MeanAblateIntervention
  | CapIntervention
export type InterventionKind = Intervention['kind']
