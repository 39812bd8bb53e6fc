import { type Absent, absent } from '../absent.ts'
import { semidefiniteEigenpairs } from '../directions/symmetric-eigen.ts'
import { dot } from '../directions/vectors.ts'
import type { LoraCheckpoint } from './lora-checkpoint.ts'

/** Principal components of a matrix over the checkpoints of a training. */
export interface LoraComponents {
  /** By falling variance. */
  readonly components: readonly LoraComponent[]
  /** Sum over all entries, divisor nCheckpoints - 1. */
  readonly totalVariance: number
}

export interface LoraComponent {
  /** The checkpoints' coordinates, [nCheckpoints]. The one of largest size is positive. */
  readonly scores: Float64Array
  readonly explainedVariance: number
  readonly explainedVarianceRatio: number
}

/** The eigenproblem is solved by Jacobi's method: 256 checkpoints take 13 s. */
const mostCheckpoints = 256

/**
 * Principal components of A, or of B, over checkpoints, all modules as one vector, through the nCheckpoints x nCheckpoints Gram
 * matrix, which is gathered module by module. Components themselves, as large as the adapter, are not formed.
 */
export function loraComponents(
  checkpoints: readonly LoraCheckpoint[],
  part: 'a' | 'b',
  nComponents: number,
): LoraComponents | Absent {
  const n = checkpoints.length
  if (n < 2 || n > mostCheckpoints)
    return absent(`components need 2 to ${mostCheckpoints} checkpoints, there are ${n}`)
  const gram = centredGram(checkpoints, part)
  const total = gram.reduce((sum, row, i) => sum + (row[i] as number), 0)
  if (total === 0) return absent(`${part.toUpperCase()} is the same at all ${n} checkpoints`)
  const pairs = semidefiniteEigenpairs(Float64Array.from(gram.flat()), n)
  const floor = 1e-10 * Math.max(...pairs.map(({ value }) => value))
  return {
    components: pairs
      .filter(({ value }) => value > floor)
      .slice(0, nComponents)
      .map(({ value, vector }) => ({
        scores: orientedScores(vector, Math.sqrt(value)),
        explainedVariance: value / (n - 1),
        explainedVarianceRatio: value / total,
      })),
    totalVariance: total / (n - 1),
  }
}

/** An eigenvector's sign is arbitrary. */
function orientedScores(vector: Float64Array, length: number): Float64Array {
  const largest = vector.reduce((x, y) => (Math.abs(y) > Math.abs(x) ? y : x), 0)
  return vector.map((value) => value * length * Math.sign(largest))
}

function centredGram(checkpoints: readonly LoraCheckpoint[], part: 'a' | 'b'): number[][] {
  const gram = checkpoints.map(() => checkpoints.map(() => 0))
  for (const name of checkpoints[0]?.modules.keys() ?? []) {
    const centred = centredModule(checkpoints, name, part)
    for (const [i, x] of centred.entries())
      for (const [j, y] of centred.slice(0, i + 1).entries()) {
        const sum = (gram[i]?.[j] ?? 0) + dot(x, y)
        for (const [row, column] of [
          [i, j],
          [j, i],
        ] as const)
          (gram[row] as number[])[column] = sum
      }
  }
  return gram
}

function centredModule(
  checkpoints: readonly LoraCheckpoint[],
  name: string,
  part: 'a' | 'b',
): Float64Array[] {
  const first = checkpoints[0]?.modules.get(name)?.[part] ?? new Float64Array(0)
  // Differences to the first checkpoint: what does not move is exactly 0, whatever its size.
  const values = checkpoints.map(({ modules }) => {
    const differences = new Float64Array(modules.get(name)?.[part] ?? first)
    for (let i = 0; i < first.length; i++)
      differences[i] = (differences[i] as number) - (first[i] as number)
    return differences
  })
  const length = values[0]?.length ?? 0
  for (let i = 0; i < length; i++) {
    let mean = 0
    for (const one of values) mean += (one[i] as number) / values.length
    for (const one of values) one[i] = (one[i] as number) - mean
  }
  return values
}
