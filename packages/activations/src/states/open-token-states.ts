import { join } from 'node:path'
import { CemError } from '@cem/core'
import { openSafetensors, type SafetensorsFile } from '@cem/tensor-files'
import { layerKey } from '../activation-set.ts'
import { readJsonFile } from './read-json-file.ts'
import { readIndex, readShardRows } from './read-shards.ts'
import {
  checkShardRows,
  indexFile,
  type StateDtype,
  type StateRow,
  type StateTurn,
  shardFiles,
  type TokenStatesIndex,
  tokenStatesInvalid,
} from './token-states-index.ts'

export interface ReadStatesOptions {
  /** @default all that are there */
  readonly layers?: readonly number[]
  readonly signal?: AbortSignal
}

/** States of one row. */
export interface TokenStates {
  readonly row: number
  readonly id: string
  /** Of the tokens that states are given for. */
  readonly tokenIds: Int32Array
  /** Position of the first of them in the sequence. */
  readonly start: number
  readonly sequenceLength: number
  /** In positions of the sequence: subtract `start` for indices into the states. */
  readonly turns: readonly StateTurn[]
  /** By layer, [nTokens, dModel]. */
  readonly states: ReadonlyMap<number, Float32Array>
}

/** A folder of token states that is open for reading. */
export interface TokenStatesSet {
  readonly folder: string
  readonly index: TokenStatesIndex
  readonly layers: readonly number[]
  readonly dModel: number
  readonly dtype: StateDtype
  /** All rows were written; else those that are there can be read. */
  readonly isComplete: boolean
  readonly nRows: number
  readonly nTokens: number
  /** Rows one at a time, in the order in which they were stored. */
  rows(options?: ReadStatesOptions): AsyncGenerator<TokenStates, void>
  /**
   * One row by its number.
   *
   * @throws CemError `activations-mismatch` where it is not there
   */
  read(row: number, options?: ReadStatesOptions): Promise<TokenStates>
}

/**
 * Opens a folder of token states. The lists of rows are read and checked; states are read when they are asked for, a row at a
 * time.
 *
 * @throws CemError `token-states-invalid` where it is none or is damaged, `file-read-failed`
 */
export async function openTokenStates(folder: string): Promise<TokenStatesSet> {
  const index = await readIndex(folder)
  if (index === undefined) throw tokenStatesInvalid(folder, `it has no ${indexFile}`)
  const shardOf = new Map<number, number>()
  let nShards = 0
  let nTokens = 0
  for await (const { rows, num_tokens } of readShardRows(folder, index)) {
    for (const { row } of rows) shardOf.set(row, nShards)
    nShards += 1
    nTokens += num_tokens
  }
  const { layers: known, hidden_dim: dModel, dtype, complete } = index
  const checkLayers = (layers: readonly number[]) => {
    const missing = layers.find((layer) => !known.includes(layer))
    if (missing === undefined) return
    throw new CemError({
      code: 'activations-mismatch',
      message: `${folder} has no layer ${missing}; it has ${known.join(', ')}.`,
      data: { folder, layer: missing, layers: known },
    })
  }
  return {
    folder,
    index,
    layers: known,
    dModel,
    dtype,
    isComplete: complete,
    nRows: shardOf.size,
    nTokens,
    rows: async function* ({ layers = known, signal } = {}) {
      checkLayers(layers)
      for (let shard = 0; shard < nShards; shard++) {
        await using open = await openShard(folder, shard, index)
        for (const row of open.rows) {
          signal?.throwIfAborted()
          yield await readRow(open.file, row, layers, signal)
        }
      }
    },
    read: async (row, { layers = known, signal } = {}) => {
      checkLayers(layers)
      const shard = shardOf.get(row)
      if (shard === undefined)
        throw new CemError({
          code: 'activations-mismatch',
          message: `${folder} has no row ${row}; it has ${shardOf.size} rows${complete ? '' : ' and is not complete'}.`,
          data: { folder, row, nRows: shardOf.size },
        })
      await using open = await openShard(folder, shard, index)
      const found = open.rows.find((entry) => entry.row === row)
      if (found === undefined) throw tokenStatesInvalid(folder, `row ${row} is gone`)
      return await readRow(open.file, found, layers, signal)
    },
  }
}

interface OpenShard extends AsyncDisposable {
  readonly file: SafetensorsFile
  readonly rows: readonly StateRow[]
}

async function openShard(
  folder: string,
  shard: number,
  { layers, hidden_dim: dModel, dtype }: TokenStatesIndex,
): Promise<OpenShard> {
  const { file: name, rowsFile } = shardFiles(shard)
  const list = join(folder, rowsFile)
  const { rows, num_tokens } = checkShardRows(await readJsonFile(list), name, list)
  const path = join(folder, name)
  const file = await openSafetensors(path)
  const wanted = [
    ['token_ids', `I32 ${num_tokens}`],
    ...layers.map((layer) => [layerKey(layer), `${dtype} ${num_tokens},${dModel}`]),
  ]
  for (const [tensor = '', expected] of wanted) {
    const info = file.tensors.get(tensor)
    if (info !== undefined && `${info.dtype} ${info.shape.join()}` === expected) continue
    await file[Symbol.asyncDispose]()
    throw tokenStatesInvalid(path, `its ${tensor} is not ${expected}, as its list of rows says`)
  }
  return { file, rows, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() }
}

async function readRow(
  file: SafetensorsFile,
  { row, id, offset, num_tokens, start, sequence_length, turns }: StateRow,
  layers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<TokenStates> {
  const rows = { start: offset, end: offset + num_tokens }
  const options = { rows, ...(signal === undefined ? {} : { signal }) }
  const tokenIds = (await file.read('token_ids', options)).data as Int32Array
  const states = new Map<number, Float32Array>()
  for (const layer of layers)
    states.set(layer, (await file.readFloat32(layerKey(layer), options)).data)
  return { row, id, tokenIds, start, sequenceLength: sequence_length, turns, states }
}
