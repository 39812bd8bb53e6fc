import { CemError } from '@cem/core'
import type { TokenRange } from '@cem/inference'

/** The types that states are stored in. BF16 halves the size and keeps 8 bits of every number. */
export type StateDtype = 'F32' | 'BF16'

/** What a set of token states is, before it has any rows. A run goes on only with a set of the same plan. */
export interface TokenStatesPlan {
  readonly layers: readonly number[]
  readonly hidden_dim: number
  readonly dtype: StateDtype
  /** What computed them: hashes of composition and tokenizer, what was asked for. */
  readonly origin: Readonly<Record<string, unknown>>
}

/** `index.json`: written first with `complete` false and no shards, and again when all rows are there. */
export interface TokenStatesIndex extends TokenStatesPlan {
  readonly format: 'cem-token-states'
  readonly version: 1
  readonly complete: boolean
  readonly shards: readonly ShardSummary[]
  readonly num_rows: number
  readonly num_tokens: number
  /** Rows without a token. */
  readonly empty_rows: number
}

export interface ShardSummary {
  /** `states-00000.safetensors`: `token_ids` I32 [nTokens] and `layer_<i>` [nTokens, dModel]. */
  readonly file: string
  /** `states-00000.json`: the shard's rows. */
  readonly rows_file: string
  readonly num_rows: number
  readonly num_tokens: number
}

/** `states-00000.json`: written after its shard, so that a shard without it counts as not written. */
export interface ShardRows {
  readonly file: string
  readonly num_tokens: number
  readonly rows: readonly StateRow[]
}

/** Which tokens of which shard are a row's. */
export interface StateRow {
  readonly row: number
  readonly id: string
  /** First token of the row in the shard. */
  readonly offset: number
  readonly num_tokens: number
  /** Position of the row's first token in its sequence. */
  readonly start: number
  readonly sequence_length: number
  /** SHA-256 of the sequence's token ids as little-endian 32-bit integers. */
  readonly tokens_sha256: string
  /** In positions of the sequence. */
  readonly turns: readonly StateTurn[]
}

export interface StateTurn {
  readonly role: string
  readonly content: TokenRange
  readonly turn: TokenRange
  /** Tokens of fenced code blocks. */
  readonly code: readonly TokenRange[]
}

export const indexFile = 'index.json'

export function shardFiles(shard: number): { readonly file: string; readonly rowsFile: string } {
  const name = `states-${String(shard).padStart(5, '0')}`
  return { file: `${name}.safetensors`, rowsFile: `${name}.json` }
}

/** @throws CemError `token-states-invalid` unless this is the index of a set that this version reads */
export function checkIndex(value: unknown, path: string): TokenStatesIndex {
  const index = (value ?? {}) as Partial<TokenStatesIndex>
  if (index.format !== 'cem-token-states')
    throw tokenStatesInvalid(path, "its format is not 'cem-token-states'")
  if (index.version !== 1)
    throw tokenStatesInvalid(path, `its version is ${String(index.version)}, and 1 is read`)
  const { layers, hidden_dim: dModel, dtype, complete, shards } = index
  if (!Array.isArray(layers) || layers.length === 0 || !layers.every(isCount))
    throw tokenStatesInvalid(path, 'its layers are no list of layer numbers')
  if (!isCount(dModel) || dModel === 0) throw tokenStatesInvalid(path, 'its hidden_dim is no size')
  if (dtype !== 'F32' && dtype !== 'BF16')
    throw tokenStatesInvalid(path, `its dtype is ${String(dtype)}; known are F32, BF16`)
  if (typeof complete !== 'boolean' || !Array.isArray(shards))
    throw tokenStatesInvalid(path, 'it does not say which shards there are')
  return value as TokenStatesIndex
}

/** @throws CemError `token-states-invalid` where rows do not follow one another, or have spans outside of themselves */
export function checkShardRows(value: unknown, file: string, path: string): ShardRows {
  const shard = (value ?? {}) as Partial<ShardRows>
  if (shard.file !== file || !Array.isArray(shard.rows) || !isCount(shard.num_tokens))
    throw tokenStatesInvalid(path, `it is not the list of rows of ${file}`)
  let offset = 0
  for (const row of shard.rows as readonly StateRow[]) {
    offset += checkRow(row, offset, path)
  }
  if (offset !== shard.num_tokens)
    throw tokenStatesInvalid(
      path,
      `its rows have ${offset} tokens, and it says ${shard.num_tokens}`,
    )
  return value as ShardRows
}

/** Gives the row's number of tokens. */
function checkRow(row: StateRow | null, offset: number, path: string): number {
  const { row: number, id, offset: at, num_tokens, start, sequence_length, turns } = row ?? {}
  const counts = [number, at, num_tokens, start, sequence_length]
  const isWhole =
    counts.every(isCount) &&
    typeof id === 'string' &&
    typeof row?.tokens_sha256 === 'string' &&
    at === offset &&
    (start as number) + (num_tokens as number) <= (sequence_length as number) &&
    Array.isArray(turns)
  if (!isWhole) throw tokenStatesInvalid(path, `row ${String(number)} is damaged`)
  for (const one of (turns ?? []) as readonly (StateTurn | null)[]) {
    const { role, content, turn, code } = one ?? {}
    const ranges = [content, turn, ...(Array.isArray(code) ? code : [undefined])]
    if (typeof role !== 'string' || !ranges.every((range) => isRange(range, sequence_length ?? 0)))
      throw tokenStatesInvalid(path, `row ${String(number)} has a damaged span`)
  }
  return num_tokens as number
}

function isRange(range: TokenRange | undefined, end: number): boolean {
  if (range === undefined || range === null) return false
  return isCount(range.start) && isCount(range.end) && range.start <= range.end && range.end <= end
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function tokenStatesInvalid(path: string, reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'token-states-invalid',
    message: `${path} is no set of token states: ${reason}. Extract it again into an empty folder.`,
    data: { path },
    cause,
  })
}
