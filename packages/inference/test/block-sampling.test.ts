import { encodeModel, Graph } from '@cem/onnx-graph'
import { describe, expect, it } from 'vitest'
import {
  boolean,
  createSession,
  floats,
  int32s,
  int64s,
  type Tensors,
} from '../src/engine/runtime.ts'
import { canSampleByBlocks } from '../src/graph/block-sampling.ts'
import * as io from '../src/graph/io-names.ts'
import { addSampling } from '../src/graph/readout.ts'
import { noiseKeys, tokenNoise } from '../src/graph/token-noise.ts'

const vocabSize = 32768
/** The last tokens are padding. */
const nTokens = 32700

const graph = new Graph('sampling')
const logitsInput = graph.input('logits', 'float32', ['N', vocabSize])
addSampling(graph, logitsInput, vocabSize, nTokens, true)
const session = createSession(encodeModel(graph), { threads: 1, folder: '/' })

async function sample(rows: readonly Float32Array[], temperature: number, position = 0) {
  const n = rows.length
  const logits = new Float32Array(n * vocabSize)
  for (const [i, row] of rows.entries()) logits.set(row, i * vocabSize)
  const keys = rows.map((_, i) => keysOf(i, position))
  const feeds: Tensors = {
    logits: floats(logits, [n, vocabSize]),
    [io.inputs.isSampling]: boolean(true),
    [io.inputs.noiseKeyA]: int32s(
      Int32Array.from(keys, ({ a }) => a),
      [n, 1],
    ),
    [io.inputs.noiseKeyB]: int32s(
      Int32Array.from(keys, ({ b }) => b),
      [n, 1],
    ),
    [io.inputs.temperatures]: floats(new Float32Array(n).fill(temperature), [n, 1]),
    [io.inputs.isTruncating]: boolean(false),
    [io.inputs.topKs]: int64s(new BigInt64Array(n), [n, 1]),
    [io.inputs.tails]: floats(new Float32Array(n), [n, 1]),
  }
  const result = await (await session).run(feeds, { [io.outputs.tokens]: null })
  return Array.from(result[io.outputs.tokens]?.data as BigInt64Array, Number)
}

const keysOf = (row: number, position: number) => noiseKeys({ low: row, high: 7 }, position)

/** The definition: the largest logit + temperature * gumbel of the tokens that the tokenizer has, the first of equal ones. */
function defined(row: Float32Array, index: number, temperature: number, position = 0): number {
  let best = 0
  let largest = Number.NEGATIVE_INFINITY
  for (let token = 0; token < nTokens; token++) {
    const noise = temperature === 0 ? 0 : tokenNoise(keysOf(index, position), token)
    const value = (row[token] as number) + temperature * noise
    if (value > largest) [best, largest] = [token, value]
  }
  return best
}

/** Logits with a spread that grows along the vocabulary: a sine of the index, so that the test has no generator of its own. */
function wave(scale: number): Float32Array {
  return Float32Array.from({ length: vocabSize }, (_, i) => scale * Math.sin(i * i * 0.37))
}

describe('sampling by blocks', () => {
  it('is used for vocabularies of whole blocks that are large', () => {
    expect(canSampleByBlocks(vocabSize)).toBe(true)
    expect(canSampleByBlocks(151936)).toBe(true)
    expect(canSampleByBlocks(vocabSize + 1)).toBe(false)
    expect(canSampleByBlocks(320)).toBe(false)
  })

  it.each([
    ['flat', 0, 1],
    ['gentle', 1, 1],
    ['steep', 8, 1],
    ['hot', 3, 2],
    ['cold', 3, 0.3],
  ])('draws what the definition draws from %s logits', async (_, scale, temperature) => {
    const rows = [wave(scale), wave(scale), wave(scale)]
    for (let position = 0; position < 4; position++)
      expect(await sample(rows, temperature, position)).toEqual(
        rows.map((row, i) => defined(row, i, temperature, position)),
      )
  })

  it('looks at all tokens where the bounds prove nothing', async () => {
    // Each block's one large logit sits on its token of least noise, so that bounds lie far above values; but in the block
    // with the lowest bound it sits on the token of most noise. That token wins, and its block is the last to be kept.
    const noise = (token: number) => tokenNoise(keysOf(0, 0), token)
    const blocks: number[][] = []
    for (let start = 0; start + 32 <= nTokens; start += 32)
      blocks.push(Array.from({ length: 32 }, (_, i) => start + i))
    for (const tokens of blocks) tokens.sort((a, b) => noise(a) - noise(b))
    const row = new Float32Array(vocabSize)
    for (const tokens of blocks) row[tokens[0] as number] = 30
    const winner = blocks
      .map((tokens) => tokens[31] as number)
      .toSorted((a, b) => noise(a) - noise(b))[0] as number
    row[winner] = 30
    expect(defined(row, 0, 1)).toBe(winner)
    expect(await sample([row], 1)).toEqual([winner])
  })

  it('takes the first of equal logits at temperature 0, also when there are very many', async () => {
    const few = new Float32Array(vocabSize)
    few[20000] = 5
    few[777] = 5
    expect(await sample([few, new Float32Array(vocabSize).fill(2)], 0)).toEqual([777, 0])
  })

  it('never draws padding, however large its logits', async () => {
    const row = new Float32Array(vocabSize).fill(100, nTokens)
    row[123] = 50
    expect(await sample([row, row], 1)).toEqual([123, 123])
  })

  it('draws a row alone as it draws it among others', async () => {
    const rows = [wave(2), wave(5), wave(1), wave(3), wave(4)]
    const [alone] = await sample([wave(2)], 1, 9)
    expect((await sample(rows, 1, 9))[0]).toBe(alone)
  })
})
