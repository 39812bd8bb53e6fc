import { type Absent, absent } from '../absent.ts'
import { changeProduct } from './lora-change-cosine.ts'
import type { LoraCheckpoint, LoraModules } from './lora-checkpoint.ts'

/** Which matrices a path over checkpoints is of: A, B, or the change scale * B A. */
export type LoraPart = 'a' | 'b' | 'change'

export interface LocalCosineOptions {
  /** Checkpoints on either side that displacements reach to. @default 1 */
  readonly span: number
  /** Displacements of at most this Frobenius norm have no direction that means anything. @default 0 */
  readonly minimumDisplacement: number
}

/**
 * For each checkpoint x_i, the cosine between the displacement that led to it and the one that leads on, x_i - x_(i-span) and
 * x_(i+span) - x_i, over all modules: 1 on a straight path, lower where it turns (Turner et al., arXiv 2506.11613, find a turn
 * at the onset of misalignment). Absent at the ends.
 */
export function localCosines(
  checkpoints: readonly LoraCheckpoint[],
  part: LoraPart,
  { span, minimumDisplacement }: LocalCosineOptions,
): (number | Absent)[] {
  const productOf = changeProducts(checkpoints)
  return checkpoints.map((checkpoint, i) => {
    const before = checkpoints[i - span]
    const after = checkpoints[i + span]
    if (before === undefined || after === undefined)
      return absent(`there are no ${span} checkpoints on both sides`)
    const products =
      part === 'change'
        ? ofChanges(productOf, i - span, i, i + span)
        : ofMatrices(part, before.modules, checkpoint.modules, after.modules)
    return cosineOf(products, minimumDisplacement)
  })
}

/** Inner products of checkpoints' changes, each computed once. */
function changeProducts(checkpoints: readonly LoraCheckpoint[]) {
  const known = new Map<number, number>()
  return (i: number, j: number): number => {
    const key = i * checkpoints.length + j
    const [x, y] = [checkpoints[i], checkpoints[j]]
    if (!known.has(key) && x !== undefined && y !== undefined)
      known.set(key, changeProduct(x.modules, y.modules))
    return known.get(key) ?? Number.NaN
  }
}

interface Products {
  readonly before: number
  readonly after: number
  readonly both: number
  /** Products below this are rounding. */
  readonly floor: number
}

function cosineOf(
  { before, after, both, floor }: Products,
  minimumDisplacement: number,
): number | Absent {
  const least = Math.min(before, after)
  if (least <= floor) return absent('a displacement beside this step is zero, up to rounding')
  if (Math.sqrt(least) <= minimumDisplacement)
    return absent(
      `a displacement beside this step is ${Math.sqrt(least).toPrecision(3)}, and only those above ${minimumDisplacement} count`,
    )
  return Math.max(-1, Math.min(1, both / Math.sqrt(before * after)))
}

function ofChanges(
  productOf: (i: number, j: number) => number,
  x: number,
  y: number,
  z: number,
): Products {
  const [xx, yy, zz] = [productOf(x, x), productOf(y, y), productOf(z, z)]
  const [xy, yz, xz] = [productOf(x, y), productOf(y, z), productOf(x, z)]
  // Differences of products that are nearly equal: what is left below 1e-12 of them is rounding.
  const floor = 1e-12 * Math.max(xx, yy, zz)
  return { before: yy - 2 * xy + xx, after: zz - 2 * yz + yy, both: yz - yy - xz + xy, floor }
}

function ofMatrices(part: 'a' | 'b', x: LoraModules, y: LoraModules, z: LoraModules): Products {
  let [before, after, both] = [0, 0, 0]
  for (const [name, middle] of y) {
    const from = x.get(name)?.[part] ?? middle[part]
    const to = z.get(name)?.[part] ?? middle[part]
    for (let i = 0; i < middle[part].length; i++) {
      const value = middle[part][i] as number
      const first = value - (from[i] as number)
      const second = (to[i] as number) - value
      before += first * first
      after += second * second
      both += first * second
    }
  }
  return { before, after, both, floor: 0 }
}
