import { promptOf } from '../prompts.ts'
import type { Contestant } from './contestant.ts'
import { type OpenPeers, reasonOf } from './find-peers.ts'
import type { OurEngine } from './our-engine.ts'
import type { Transformers } from './transformers.ts'

/** Greedy tokens that are compared, of so many prompts. */
const nCompared = 16
const nPrompts = 4
/** Of the layer's largest value: what float32 sums in another order differ by, and far below any real difference. */
const stateTolerance = 2e-4

export interface Agreement {
  /** Peers that answered. */
  readonly running: readonly Contestant[]
  readonly notes: readonly string[]
}

/**
 * That the peers compute what the engine computes: greedy tokens of the first positions, with the adapter and without, and
 * the mean states of captured answers against Transformers' extraction of the same tokens. Disagreement of a float32 peer is
 * reported as such; 16-bit and 8-bit weights give the share that agrees.
 */
export async function checkAgreement(
  ours: OurEngine,
  { contestants, float32 }: OpenPeers,
  report: (line: string) => void,
): Promise<Agreement> {
  const prompts = Array.from({ length: nPrompts }, (_, row) => promptOf(row))
  const running: Contestant[] = []
  const notes: string[] = []
  for (const contestant of contestants) {
    try {
      notes.push(await compareTokens(ours, contestant, prompts))
      running.push(contestant)
    } catch (error) {
      notes.push(`${contestant.name}: failed and left out, ${reasonOf(error)}`)
    }
    report(notes.at(-1) as string)
  }
  if (float32 !== null && running.includes(float32)) {
    try {
      notes.push(await compareStates(ours, float32, prompts))
    } catch (error) {
      notes.push(`captured states could not be compared: ${reasonOf(error)}`)
    }
    report(notes.at(-1) as string)
  }
  return { running, notes }
}

async function compareTokens(
  ours: OurEngine,
  peer: Contestant,
  prompts: readonly (readonly number[])[],
): Promise<string> {
  let nEqual = 0
  let n = 0
  for (const hasAdapter of peer.canAdapt ? [true, false] : [false]) {
    const request = { prompts, nNew: nCompared, temperature: 0, hasAdapter }
    await ours.prepare(hasAdapter)
    const expected = await ours.generate(request)
    await peer.prepare(hasAdapter)
    const given = await peer.generate(request)
    for (const [row, tokens] of expected.entries())
      for (const [i, token] of tokens.entries()) {
        n += 1
        if (given[row]?.[i] === token) nEqual += 1
      }
  }
  if (peer.isExact && nEqual < n)
    return `${peer.name}: DISAGREES, ${nEqual} of ${n} greedy tokens are the engine's: rounding decided a near tie, or it does other work`
  return `${peer.name}: ${nEqual} of ${n} greedy tokens are the engine's`
}

async function compareStates(
  ours: OurEngine,
  peer: Transformers,
  prompts: readonly (readonly number[])[],
): Promise<string> {
  const request = { prompts, nNew: nCompared, temperature: 1, hasAdapter: true }
  await ours.prepare(true)
  const { tokens, means } = await ours.capture(request)
  const sequences = prompts.map((prompt, row) => [...prompt, ...(tokens[row] ?? [])])
  const theirs = await peer.means(sequences, prompts[0]?.length ?? 0, true)
  let worst = 0
  for (const [row, mean] of means.entries()) {
    const layers = theirs[row] as number[][]
    // Transformers gives the last layer's states after the final norm.
    for (const [layer, expected] of layers.slice(0, -1).entries())
      worst = Math.max(worst, difference(mean, layer * expected.length, expected))
  }
  const isClose = worst <= stateTolerance
  return `captured states against Transformers' extraction of the same tokens: ${isClose ? '' : 'DISAGREE, '}largest difference ${worst.toExponential(1)} of a layer's largest value`
}

function difference(mean: Float32Array, start: number, expected: readonly number[]): number {
  let [largest, off] = [0, 0]
  for (const [i, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value))
    off = Math.max(off, Math.abs(value - (mean[start + i] as number)))
  }
  return off / largest
}
