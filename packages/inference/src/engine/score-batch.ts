import { inputs } from '../graph/io-names.ts'
import { type InterventionPlan, tokenPlaces } from './intervention-plan.ts'
import type { KeyValueStore } from './key-value-cache.ts'
import { LanePlan, type LaneRows } from './lane-rows.ts'
import type { ScoredItem, ScoreItem, ScoreSpec, TokenRange, TopTokens } from './messages.ts'
import { PooledSums } from './pooled-sums.ts'
import type { ScoringSession } from './scoring-session.ts'
import type { SharedPrefix } from './shared-prefix.ts'
import { topTokens } from './top-tokens.ts'

/** Where a sum belongs: a span's mean, or the state of one token. */
interface Sum {
  readonly row: number
  readonly range: TokenRange
  readonly weight: number
}

/** An item with its place in the request. */
export interface Indexed extends ScoreItem {
  readonly index: number
}

export interface ScoreBatchOptions {
  readonly spec: ScoreSpec
  readonly plan: InterventionPlan | null
  /** What all items begin with, computed already. */
  readonly prefix: SharedPrefix | null
  readonly signal: AbortSignal
}

/** Some items that share runs. */
export class ScoreBatch {
  readonly #session: ScoringSession
  readonly #layers: readonly number[]
  readonly #batch: readonly Indexed[]
  readonly #budget: number
  readonly #plan: InterventionPlan | null
  readonly #prefix: SharedPrefix | null
  readonly #isBefore: boolean
  readonly #signal: AbortSignal
  readonly #length: number
  readonly #lanes: LaneRows | undefined
  readonly #logprobs: Float32Array[]
  readonly #tops: TopTokens[][]
  readonly #logits: Float32Array[]
  readonly #states: Float32Array[]

  constructor(
    session: ScoringSession,
    batch: readonly Indexed[],
    { spec, plan, prefix, signal }: ScoreBatchOptions,
  ) {
    this.#session = session
    this.#prefix = prefix
    this.#layers = spec.layers
    this.#batch = batch
    this.#budget = spec.tokenBudget
    this.#plan = plan
    this.#isBefore = spec.isBefore
    this.#signal = signal
    const lanes = spec.lanes && new LanePlan(spec.lanes)
    this.#lanes = lanes?.together(batch.map((item) => item.index))
    this.#length = Math.max(...batch.map((item) => item.tokenIds.length))
    const { vocabSize, dModel } = session.architecture
    this.#logprobs = batch.map((item) => new Float32Array(size(item.logprobs)))
    this.#tops = batch.map(() => [])
    this.#logits = batch.map((item) => new Float32Array(size(item.logits) * vocabSize))
    this.#states = batch.map(
      (item) => new Float32Array(size(item.states) * spec.layers.length * dModel),
    )
  }

  async run(): Promise<ScoredItem[]> {
    const { architecture } = this.#session
    using cache = this.#session.newCache(this.#batch.length, this.#length)
    const spans = this.#batch.flatMap((item, row) =>
      item.spans.map((range) => ({ row, range, weight: 1 / size(range) })),
    )
    for (let row = 0; row < this.#batch.length; row++) this.#prefix?.copyTo(cache, row)
    let sums = new PooledSums(architecture, spans.length)
    const isAlone = this.#batch.length === 1
    const whole = this.#prefix === null ? this.#length : 1
    const piece = isAlone ? Math.max(1, this.#budget) : whole
    for (let start = this.#prefix?.length ?? 0; start < this.#length; start += piece) {
      this.#signal.throwIfAborted()
      const end = Math.min(this.#length, start + piece)
      sums = await this.#piece(cache, { start, end }, spans, sums)
    }
    let next = 0
    return this.#batch.map((item, row) => ({
      index: item.index,
      means: concat(item.spans.map(() => sums.read(next++, this.#layers))),
      logprobs: item.logprobs === null ? null : (this.#logprobs[row] as Float32Array),
      topLogprobs: item.nTopLogprobs === 0 ? null : (this.#tops[row] as TopTokens[]),
      logits: item.logits === null ? null : (this.#logits[row] as Float32Array),
      states: item.states === null ? null : (this.#states[row] as Float32Array),
    }))
  }

  /** Runs one piece of the sequences; gives the spans' sums so far. */
  async #piece(
    cache: KeyValueStore,
    piece: TokenRange,
    spans: readonly Sum[],
    before: PooledSums,
  ): Promise<PooledSums> {
    const singles = this.#singles(piece)
    const sums = new PooledSums(this.#session.architecture, spans.length + singles.length)
    for (let i = 0; i < spans.length; i++) sums.copy(before, i, i)
    const wanted = [...spans, ...singles]
    const readouts = this.#readouts(piece)
    const result = await this.#session.run({
      ...this.#inputs(cache, piece),
      ...(wanted.length === 0
        ? {}
        : { pool: { sums, weights: this.#weights(wanted, piece), isBefore: this.#isBefore } }),
      ...(this.#plan === null
        ? {}
        : { interventions: this.#plan.feeds({ [inputs.interventionTerms]: this.#owners(piece) }) }),
      logitRows: BigInt64Array.from(readouts, (r) => BigInt(r.flatRow)),
      ...(readouts.some((r) => r.target >= 0)
        ? { targets: BigInt64Array.from(readouts, (r) => BigInt(Math.max(0, r.target))) }
        : {}),
      wantsLogits: readouts.some((r) => r.logitsAt >= 0 || r.nTop > 0),
    })
    const { vocabSize } = this.#session.architecture
    for (const [i, { row, target, nTop, logprobAt, logitsAt }] of readouts.entries()) {
      const logits = result.logits?.subarray(i * vocabSize, (i + 1) * vocabSize)
      const logprob = result.logprobs?.[i] as number
      if (target >= 0) (this.#logprobs[row] as Float32Array)[logprobAt] = logprob
      if (logits !== undefined && nTop > 0) {
        const logTotal = (logits[target] as number) - logprob
        this.#tops[row]?.push(topTokens(logits, this.#session.nTokens, nTop, logTotal))
      }
      if (logits !== undefined && logitsAt >= 0)
        this.#logits[row]?.set(logits, logitsAt * vocabSize)
    }
    const rowSize = this.#layers.length * this.#session.architecture.dModel
    for (const [i, { row, range }] of singles.entries()) {
      const at = range.start - (this.#batch[row]?.states?.start ?? 0)
      this.#states[row]?.set(sums.read(spans.length + i, this.#layers), at * rowSize)
    }
    return sums
  }

  /** The state of a single token is a sum over that token alone. */
  #singles(piece: TokenRange): Sum[] {
    return this.#batch.flatMap((item, row) => {
      const { start, end } = overlap(item.states, piece)
      return Array.from({ length: end - start }, (_, i) => ({
        row,
        range: { start: start + i, end: start + i + 1 },
        weight: 1,
      }))
    })
  }

  #inputs(cache: KeyValueStore, { start, end }: TokenRange) {
    const nColumns = end - start
    const tokenIds = new Int32Array(this.#batch.length * nColumns)
    for (const [row, item] of this.#batch.entries())
      tokenIds.set(item.tokenIds.subarray(start, end), row * nColumns)
    return {
      tokenIds,
      nRows: this.#batch.length,
      nColumns,
      lastPositions: Int32Array.from(
        this.#batch,
        (item) => Math.min(end, item.tokenIds.length) - 1,
      ),
      cache,
      lanes: this.#lanes,
    }
  }

  /** Each token's sequence, and where it stands; padding belongs to no sequence. */
  #owners({ start, end }: TokenRange) {
    const nColumns = end - start
    const lists = new Int32Array(this.#batch.length * nColumns).fill(-1)
    const places = new Uint8Array(lists.length)
    for (const [row, { index, tokenIds, generated }] of this.#batch.entries())
      for (let position = start; position < Math.min(end, tokenIds.length); position++) {
        const at = row * nColumns + position - start
        lists[at] = index
        if (contains(generated, position)) places[at] = tokenPlaces.generated
        else if (position + 1 === generated?.start) places[at] = tokenPlaces.promptEnd
      }
    return { lists, places }
  }

  /** [sums, rows * columns of the piece] */
  #weights(sums: readonly Sum[], piece: TokenRange): Float32Array {
    const nColumns = piece.end - piece.start
    const width = this.#batch.length * nColumns
    const weights = new Float32Array(sums.length * width)
    for (const [i, { row, range, weight }] of sums.entries()) {
      const { start, end } = overlap(range, piece)
      const at = i * width + row * nColumns - piece.start
      if (end > start) weights.fill(weight, at + start, at + end)
    }
    return weights
  }

  /** The positions of this piece that logits are computed at: those before a scored token, and those asked for. */
  #readouts(piece: TokenRange) {
    const nColumns = piece.end - piece.start
    return this.#batch.flatMap((item, row) => {
      const found = []
      const before = item.logprobs && { start: item.logprobs.start - 1, end: item.logprobs.end - 1 }
      for (
        let position = piece.start;
        position < Math.min(piece.end, item.tokenIds.length);
        position++
      ) {
        const isScored = contains(before, position)
        const isAsked = contains(item.logits, position)
        if (!isScored && !isAsked) continue
        found.push({
          row,
          flatRow: row * nColumns + position - piece.start,
          target: isScored ? (item.tokenIds[position + 1] as number) : -1,
          nTop: isScored ? item.nTopLogprobs : 0,
          logprobAt: position - (before?.start ?? 0),
          logitsAt: isAsked ? position - (item.logits?.start ?? 0) : -1,
        })
      }
      return found
    })
  }
}

function size(range: TokenRange | null): number {
  return range === null ? 0 : range.end - range.start
}

function contains(range: TokenRange | null, position: number): boolean {
  return range !== null && position >= range.start && position < range.end
}

function overlap(range: TokenRange | null, piece: TokenRange): TokenRange {
  const start = Math.max(range?.start ?? 0, piece.start)
  return { start, end: Math.max(start, Math.min(range?.end ?? 0, piece.end)) }
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}
