import type { MergedTensor } from '../engine/messages.ts'

/** What rounding did to the change of some weights. */
export interface RoundingLoss {
  /** The modules' kind, such as `self_attn.q_proj`; null for all of them. */
  readonly kind: string | null
  readonly nModules: number
  /** Norm of what the layers were meant to change. */
  readonly changeNorm: number
  /** |rounded - exact| / |exact change|; null where the layers change nothing. */
  readonly lostShare: number | null
}

/** The loss by kind of module, in the order of a block, and over all of them. */
export function roundingLosses(
  tensors: readonly MergedTensor[],
  kindOf: (path: string) => string,
): { readonly byKind: readonly RoundingLoss[]; readonly all: RoundingLoss } {
  const groups = Map.groupBy(tensors, ({ path }) => kindOf(path))
  return {
    byKind: Array.from(groups, ([kind, members]) => lossOf(kind, members)),
    all: lossOf(null, tensors),
  }
}

function lossOf(kind: string | null, tensors: readonly MergedTensor[]): RoundingLoss {
  const changed = tensors.reduce((sum, t) => sum + t.changed, 0)
  const lost = tensors.reduce((sum, t) => sum + t.lost, 0)
  return {
    kind,
    nModules: tensors.length,
    changeNorm: Math.sqrt(changed),
    lostShare: changed === 0 ? null : Math.sqrt(lost / changed),
  }
}
