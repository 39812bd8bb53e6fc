import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeModel, Graph } from '@cem/onnx-graph'
import { openSafetensors } from '@cem/tensor-files'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import {
  createSession,
  floats,
  int32s,
  int64s,
  type RuntimeSession,
} from '../src/engine/runtime.ts'
import { keptTokens } from '../src/graph/kept-tokens.ts'
import { noiseTables } from '../src/graph/token-noise.ts'
import { nCandidates, truncatedTokens } from '../src/graph/truncated-sampling.ts'
import { tokenNoise } from '../src/index.ts'
import { fixtures } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Setting {
  readonly temperature: number
  readonly topK: number | null
  readonly topP: number | null
}

const golden = JSON.parse(readFileSync(join(fixtures, 'truncation.json'), 'utf8')) as {
  readonly golden: string
  readonly sizes: readonly {
    readonly size: number
    readonly rows: readonly string[]
    readonly settings: readonly Setting[]
  }[]
}

function rowInputs(graph: Graph, size: number) {
  return {
    logits: graph.input('logits', 'float32', ['N', size]),
    temperatures: graph.input('temperatures', 'float32', ['N', 1]),
    topKs: graph.input('top_ks', 'int64', ['N', 1]),
    tails: graph.input('tails', 'float32', ['N', 1]),
  }
}

function rowFeeds(logits: Float32Array, n: number, { temperature, topK, topP }: Setting) {
  const tail = topP === null || topP === 1 ? -1 : 1 - topP
  return {
    logits: floats(logits, [n, logits.length / n]),
    temperatures: floats(new Float32Array(n).fill(temperature), [n, 1]),
    top_ks: int64s(new BigInt64Array(n).fill(BigInt(topK ?? 0)), [n, 1]),
    tails: floats(new Float32Array(n).fill(tail), [n, 1]),
  }
}

const open = (graph: Graph) => createSession(encodeModel(graph), { threads: 1, folder: tmpdir() })

/** Gives what is kept of the first candidates, as token ids, and whether that is all. */
async function keptSession(size: number, nConsidered: number): Promise<RuntimeSession> {
  const graph = new Graph('kept')
  const { ids, isKept, isClosed } = keptTokens(graph, rowInputs(graph, size), nConsidered)
  graph.output(ids, 'ids')
  graph.output(isKept, 'is_kept')
  graph.output(isClosed, 'is_closed')
  return open(graph)
}

async function samplingSession(size: number): Promise<RuntimeSession> {
  const graph = new Graph('sampling')
  const rows = rowInputs(graph, size)
  const { multipliers, masks } = noiseTables(size)
  const noise = {
    kind: 'xor' as const,
    multipliers: graph.constant('multipliers', multipliers, [1, size]),
    masks: graph.constant('masks', masks, [1, size]),
    keyA: graph.input('key_a', 'int32', ['N', 1]),
    keyB: graph.input('key_b', 'int32', ['N', 1]),
  }
  graph.output(truncatedTokens(graph, rows, noise, size), 'tokens')
  return open(graph)
}

describe.each(golden.sizes)('of $size tokens', ({ size, rows, settings }) => {
  let logits: Float32Array
  let masks: Uint8Array
  beforeAll(async () => {
    await using file = await openSafetensors(join(fixtures, golden.golden))
    logits = (await file.readFloat32(`${size}.logits`)).data
    masks = (await file.read(`${size}.kept`)).data as Uint8Array
  })
  const bytesPerRow = Math.ceil(size / 8)
  const rowOf = (row: number) => logits.subarray(row * size, (row + 1) * size)
  const expectedIds = (setting: number, row: number) => {
    const start = (setting * rows.length + row) * bytesPerRow
    return Array.from({ length: size }, (_, id) => id).filter(
      (id) => (((masks[start + (id >> 3)] as number) >> (id & 7)) & 1) === 1,
    )
  }
  const fallingLogits = (row: number, ids: readonly number[]) =>
    ids.map((id) => rowOf(row)[id] as number).toSorted((a, b) => b - a)

  const names = settings.map((setting, index) => ({
    name: `temperature ${setting.temperature}, topK ${setting.topK}, topP ${setting.topP}`,
    index,
    setting,
  }))

  test.each(names)('$name keeps what Transformers keeps', async ({ index, setting }) => {
    for (const nConsidered of [size, Math.min(size, nCandidates)]) {
      const session = await keptSession(size, nConsidered)
      const result = await session.run(rowFeeds(logits, rows.length, setting), {
        ids: null,
        is_kept: null,
        is_closed: null,
      })
      const ids = Array.from(result['ids']?.data as BigInt64Array, Number)
      const isKept = result['is_kept']?.data as Uint8Array
      const isClosed = result['is_closed']?.data as Uint8Array
      for (const [row, name] of rows.entries()) {
        const found = ids
          .slice(row * nConsidered, (row + 1) * nConsidered)
          .filter((_, i) => isKept[row * nConsidered + i] === 1)
          .toSorted((a, b) => a - b)
        const expected = expectedIds(index, row)
        const isAll = nConsidered === size || isClosed[row] === 1
        // What reaches beyond the candidates must not be claimed to be whole.
        if (expected.length > nConsidered) expect([name, isAll]).toEqual([name, false])
        if (!isAll) continue
        expect([name, fallingLogits(row, found)]).toEqual([name, fallingLogits(row, expected)])
        // Which of equal tokens go at the edge of top_p is up to the sorting in Transformers.
        if (!['equal', 'ties', 'twins', 'peak'].includes(name))
          expect([name, found]).toEqual([name, expected])
      }
      await session.release()
    }
  })

  test.each(names)(
    '$name samples with the noise that the tokens have anyway',
    async ({ index, setting }) => {
      const session = await samplingSession(size)
      for (let draw = 0; draw < 4; draw++) {
        const keys = rows.map((_, row) => ({
          a: 7919 * (draw + 1) + row,
          b: (104_729 * row + draw * 2) | 1,
        }))
        const result = await session.run(
          {
            ...rowFeeds(logits, rows.length, setting),
            key_a: int32s(
              Int32Array.from(keys, ({ a }) => a),
              [rows.length, 1],
            ),
            key_b: int32s(
              Int32Array.from(keys, ({ b }) => b),
              [rows.length, 1],
            ),
          },
          { tokens: null },
        )
        const tokens = Array.from(result['tokens']?.data as BigInt64Array, Number)
        const best = rows.map((name, row) => {
          const kept = deterministic(name, rowOf(row), expectedIds(index, row))
          const noisy = kept.map(
            (id) =>
              (rowOf(row)[id] as number) +
              setting.temperature * tokenNoise(keys[row] as { a: number; b: number }, id),
          )
          return kept[noisy.indexOf(Math.max(...noisy))]
        })
        expect(tokens).toEqual(best)
      }
      await session.release()
    },
  )

  /** Of equal tokens at the edge, the lowest ids, as many as Transformers keeps. */
  function deterministic(name: string, row: Float32Array, ids: readonly number[]) {
    if (!['equal', 'ties', 'twins', 'peak'].includes(name)) return ids
    const edge = Math.min(...ids.map((id) => row[id] as number))
    const above = ids.filter((id) => (row[id] as number) > edge)
    const equal = Array.from(row.keys()).filter((id) => row[id] === edge)
    return [...above, ...equal.slice(0, ids.length - above.length)]
  }
})
