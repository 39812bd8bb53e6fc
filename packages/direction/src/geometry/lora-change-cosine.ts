import { type Absent, absent } from '../absent.ts'
import {
  checkModules,
  type LoraMatrices,
  type LoraModules,
  shapeMismatch,
} from './lora-checkpoint.ts'
import { columnProducts, rowProducts } from './small-matrices.ts'

/**
 * The cosine between the changes scale * B A that two adapters make to a model, over all modules; a module that one of them
 * lacks counts as unchanged there. Ranks may differ. Raw A and B would not tell: they hardly leave their initialisation. Computed
 * from r x r products: <B1 A1, B2 A2> = sum of (B1^T B2) * (A1 A2^T), element by element.
 *
 * @returns in [-1, 1]; absent where an adapter changes nothing
 * @throws CemError `shape-mismatch` where a module's inputs or outputs differ, `bad-option`, `not-finite`
 */
export function loraChangeCosine(x: LoraModules, y: LoraModules): number | Absent {
  checkModules('the first adapter', x)
  checkModules('the second adapter', y)
  const norms = [x, y].map((one) => Math.sqrt(changeProduct(one, one)))
  const [normOfX = 0, normOfY = 0] = norms
  if (normOfX === 0 || normOfY === 0)
    return absent(
      `the ${normOfX === 0 ? 'first' : 'second'} adapter changes nothing (A or B is all zero in every module), so there is no angle`,
    )
  return Math.max(-1, Math.min(1, changeProduct(x, y) / (normOfX * normOfY)))
}

/** The inner product of two adapters' changes, over the modules that both have. */
export function changeProduct(x: LoraModules, y: LoraModules): number {
  let sum = 0
  for (const [name, p] of x) {
    const q = y.get(name)
    if (q !== undefined) sum += p.scale * q.scale * moduleProduct(name, p, q)
  }
  return sum
}

function moduleProduct(name: string, p: LoraMatrices, q: LoraMatrices): number {
  if (p.nIn !== q.nIn || p.nOut !== q.nOut)
    throw shapeMismatch(
      `${name} changes a weight of shape [${p.nOut}, ${p.nIn}] in one adapter and [${q.nOut}, ${q.nIn}] in the other`,
    )
  const ofA = rowProducts(p.a, q.a, p.nIn)
  const ofB = columnProducts(p.b, q.b, p.nOut)
  let sum = 0
  for (let i = 0; i < ofA.length; i++) sum += (ofA[i] as number) * (ofB[i] as number)
  return sum
}
