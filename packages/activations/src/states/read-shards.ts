import { join } from 'node:path'
import { readJsonFile } from './read-json-file.ts'
import {
  checkIndex,
  checkShardRows,
  indexFile,
  type ShardRows,
  shardFiles,
  type TokenStatesIndex,
  tokenStatesInvalid,
} from './token-states-index.ts'

/** The index of a folder; undefined where there is none. */
export async function readIndex(folder: string): Promise<TokenStatesIndex | undefined> {
  const path = join(folder, indexFile)
  const value = await readJsonFile(path)
  return value === undefined ? undefined : checkIndex(value, path)
}

/** The row lists of the shards that were written whole, in order. Shards are numbered without gaps. */
export async function* readShardRows(
  folder: string,
  { complete, shards }: Pick<TokenStatesIndex, 'complete' | 'shards'>,
): AsyncGenerator<ShardRows, void> {
  const seen = new Set<number>()
  const nShards = complete ? shards.length : Number.POSITIVE_INFINITY
  for (let shard = 0; shard < nShards; shard++) {
    const { file, rowsFile } = shardFiles(shard)
    const path = join(folder, rowsFile)
    const value = await readJsonFile(path)
    if (value === undefined) {
      if (!complete) return
      throw tokenStatesInvalid(path, 'it is named by index.json and is not there')
    }
    const rows = checkShardRows(value, file, path)
    for (const { row } of rows.rows) {
      if (seen.has(row)) throw tokenStatesInvalid(path, `row ${row} is there twice`)
      seen.add(row)
    }
    yield rows
  }
}
