import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { float32ToBf16, writeSafetensors } from '@cem/tensor-files'
import { layerKey } from '../activation-set.ts'
import { readIndex, readShardRows } from './read-shards.ts'
import {
  indexFile,
  type ShardSummary,
  type StateDtype,
  type StateRow,
  type StateTurn,
  shardFiles,
  type TokenStatesIndex,
  type TokenStatesPlan,
} from './token-states-index.ts'

export interface TokenStateWriterOptions {
  readonly layers: readonly number[]
  readonly dModel: number
  /** @default 'F32' */
  readonly dtype?: StateDtype
  /**
   * A shard is written when it has this many bytes of states: what is in memory at once. A row that is larger alone is a
   * shard of its own. @default 2 ** 28
   */
  readonly maxShardBytes?: number
  /** What computes them; kept in the index. A folder of another origin is refused. JSON. @default {} */
  readonly origin?: Readonly<Record<string, unknown>>
}

/** States of the tokens of one sequence, or of a stretch of it. */
export interface TokenStateRow {
  /** Its number, unique in the set. Rows come in any order. */
  readonly row: number
  readonly id: string
  /** The whole sequence. */
  readonly sequence: readonly number[]
  /** Position of the first token whose states are given. */
  readonly start: number
  readonly turns: readonly StateTurn[]
  /** [nTokens, layers.length, dModel], as `Model.score` gives them; empty where the row has no tokens. */
  readonly states: Float32Array
}

interface Buffered {
  readonly entry: StateRow
  readonly tokenIds: Int32Array
  /** For each layer, [nTokens, dModel]. */
  readonly layers: readonly (Float32Array | Uint16Array)[]
}

/**
 * Writes token states to a folder, shard by shard: each appears whole or not at all. A run that was killed opens the folder
 * again and goes on with the rows that are not there. One writer at a time.
 */
export class TokenStateWriter implements AsyncDisposable {
  readonly folder: string
  readonly plan: TokenStatesPlan
  readonly #maxShardBytes: number
  readonly #shards: ShardSummary[] = []
  /** Rows that are on disk or buffered, with the hash of their tokens. */
  readonly #rows = new Map<number, string>()
  #nEmpty = 0
  #buffer: Buffered[] = []
  #bufferedBytes = 0
  #bufferedTokens = 0
  #isComplete = false
  #isClosed = false

  private constructor(folder: string, plan: TokenStatesPlan, maxShardBytes: number) {
    this.folder = folder
    this.plan = plan
    this.#maxShardBytes = maxShardBytes
  }

  /**
   * Opens a folder, or makes it.
   *
   * @throws CemError `activations-mismatch` where it holds states of another plan, `token-states-invalid` where it is damaged,
   * `bad-option`, `file-write-failed`
   */
  static async open(
    folder: string,
    {
      layers,
      dModel,
      dtype = 'F32',
      maxShardBytes = 2 ** 28,
      origin = {},
    }: TokenStateWriterOptions,
  ): Promise<TokenStateWriter> {
    if (!(maxShardBytes >= 1))
      throw new CemError({
        code: 'bad-option',
        message: `maxShardBytes is ${maxShardBytes}; it must be a number of bytes of at least 1.`,
        data: { maxShardBytes },
      })
    const plan: TokenStatesPlan = { layers, hidden_dim: dModel, dtype, origin }
    const writer = new TokenStateWriter(folder, plan, maxShardBytes)
    const index = await readIndex(folder)
    if (index === undefined) {
      await mkdir(folder, { recursive: true })
      await writer.#writeIndex(false)
    } else {
      checkSamePlan(folder, index, plan)
      for await (const { file, num_tokens, rows } of readShardRows(folder, index))
        writer.#note(file, num_tokens, rows)
      writer.#isComplete = index.complete
    }
    await removeRests(folder)
    return writer
  }

  /** Rows that are there. */
  get nRows(): number {
    return this.#rows.size
  }

  /**
   * Whether a row is there already.
   *
   * @throws CemError `activations-mismatch` where it is there with other tokens: the inputs changed since
   */
  has(row: number, sequence: readonly number[]): boolean {
    const known = this.#rows.get(row)
    if (known === undefined) return false
    if (known === hashOf(sequence)) return true
    throw new CemError({
      code: 'activations-mismatch',
      message: `Row ${row} of ${this.folder} was extracted from other tokens. The conversations or their order changed: extract into an empty folder.`,
      data: { folder: this.folder, row },
    })
  }

  /** @throws CemError `activations-mismatch` where it does not fit or is there already, `file-write-failed` */
  async add(given: TokenStateRow): Promise<void> {
    this.#checkOpen()
    const { row, id, sequence, start, turns, states } = given
    const { layers, hidden_dim: dModel, dtype } = this.plan
    const nTokens = states.length / (layers.length * dModel)
    const isWhole = [row, nTokens, start].every((n) => Number.isSafeInteger(n) && n >= 0)
    if (!isWhole || start + nTokens > sequence.length || this.#rows.has(row))
      throw new CemError({
        code: 'activations-mismatch',
        message: `Row ${row} with ${states.length} numbers from token ${start} of ${sequence.length} on ${this.#rows.has(row) ? 'is there already' : `does not fit [tokens, ${layers.length}, ${dModel}]`}.`,
        data: { row, start, length: states.length, nTokens: sequence.length },
      })
    const bytes = states.length * (dtype === 'F32' ? 4 : 2)
    if (this.#bufferedBytes + bytes > this.#maxShardBytes) await this.#flush()
    const tokens_sha256 = hashOf(sequence)
    this.#buffer.push({
      entry: {
        row,
        id,
        offset: this.#bufferedTokens,
        num_tokens: nTokens,
        start,
        sequence_length: sequence.length,
        tokens_sha256,
        turns,
      },
      tokenIds: Int32Array.from(sequence.slice(start, start + nTokens)),
      layers: layers.map((_, i) => layerOf(states, i, layers.length, dModel, dtype)),
    })
    this.#rows.set(row, tokens_sha256)
    this.#bufferedBytes += bytes
    this.#bufferedTokens += nTokens
    if (this.#bufferedBytes >= this.#maxShardBytes) await this.#flush()
  }

  /** Writes what is left, then the index. */
  async commit(): Promise<TokenStatesIndex> {
    this.#checkOpen()
    await this.#flush()
    this.#isClosed = true
    return this.#writeIndex(true)
  }

  /** Writes what is buffered; without `commit` the set stays incomplete, and a later writer goes on with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    await this.#flush()
    this.#isClosed = true
  }

  async #flush(): Promise<void> {
    if (this.#buffer.length === 0) return
    try {
      // More rows for a set that was whole: it is not while they are missing.
      if (this.#isComplete) await this.#writeIndex(false)
      await this.#writeShard(this.#buffer, this.#bufferedTokens)
    } catch (error) {
      // The rows of this shard are not on disk; a new writer finds out which are.
      this.#isClosed = true
      throw error
    }
    this.#buffer = []
    this.#bufferedBytes = 0
    this.#bufferedTokens = 0
  }

  async #writeShard(rows: readonly Buffered[], nTokens: number): Promise<void> {
    const { dtype, hidden_dim: dModel, layers } = this.plan
    const { file, rowsFile } = shardFiles(this.#shards.length)
    await writeSafetensors(join(this.folder, file), [
      { name: 'token_ids', dtype: 'I32', shape: [nTokens], data: rows.map((row) => row.tokenIds) },
      ...layers.map((layer, i) => ({
        name: layerKey(layer),
        dtype,
        shape: [nTokens, dModel],
        data: rows.map((row) => row.layers[i] as Float32Array | Uint16Array),
      })),
    ])
    const entries = rows.map(({ entry }) => entry)
    const list = { file, num_tokens: nTokens, rows: entries }
    await writeFileAtomic(join(this.folder, rowsFile), `${JSON.stringify(list)}\n`)
    this.#note(file, nTokens, entries)
  }

  #note(file: string, nTokens: number, rows: readonly StateRow[]): void {
    const { rowsFile } = shardFiles(this.#shards.length)
    this.#shards.push({ file, rows_file: rowsFile, num_rows: rows.length, num_tokens: nTokens })
    for (const { row, num_tokens, tokens_sha256 } of rows) {
      this.#rows.set(row, tokens_sha256)
      if (num_tokens === 0) this.#nEmpty += 1
    }
  }

  async #writeIndex(complete: boolean): Promise<TokenStatesIndex> {
    const index: TokenStatesIndex = {
      format: 'cem-token-states',
      version: 1,
      complete,
      ...this.plan,
      num_rows: this.#rows.size,
      num_tokens: this.#shards.reduce((sum, { num_tokens }) => sum + num_tokens, 0),
      empty_rows: this.#nEmpty,
      shards: this.#shards,
    }
    await writeFileAtomic(join(this.folder, indexFile), `${JSON.stringify(index, null, 2)}\n`)
    this.#isComplete = complete
    return index
  }

  #checkOpen(): void {
    if (!this.#isClosed) return
    throw new CemError({
      code: 'file-closed',
      message: `${this.folder} was committed or closed already. Open it again to add rows.`,
      data: { folder: this.folder },
    })
  }
}

/** One layer of [nTokens, nLayers, dModel], in the type that is stored. */
function layerOf(
  states: Float32Array,
  layer: number,
  nLayers: number,
  dModel: number,
  dtype: StateDtype,
): Float32Array | Uint16Array {
  const width = nLayers * dModel
  const out = new Float32Array(states.length / nLayers)
  for (let token = 0; token * width < states.length; token++) {
    const from = token * width + layer * dModel
    out.set(states.subarray(from, from + dModel), token * dModel)
  }
  return dtype === 'F32' ? out : float32ToBf16(out)
}

function hashOf(sequence: readonly number[]): string {
  const bytes = new Uint8Array(Int32Array.from(sequence).buffer)
  return createHash('sha256').update(bytes).digest('hex')
}

function checkSamePlan(folder: string, index: TokenStatesIndex, plan: TokenStatesPlan): void {
  for (const key of ['layers', 'hidden_dim', 'dtype', 'origin'] as const) {
    const [found, wanted] = [JSON.stringify(index[key]), JSON.stringify(plan[key])]
    if (found === wanted) continue
    throw new CemError({
      code: 'activations-mismatch',
      message: `${folder} holds token states with ${key} ${found}, and this run has ${wanted}. Take another folder, or delete this one.`,
      data: { folder, key },
    })
  }
}

/** What a killed writer left half-written. */
async function removeRests(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (/^\.(?:states-\d+\.(?:safetensors|json)|index\.json)\.[0-9a-f]{12}\.tmp$/.test(name))
      await rm(join(folder, name), { force: true })
}
