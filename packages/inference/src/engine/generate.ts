import { CemError } from '@cem/core'
import { inputs } from '../graph/io-names.ts'
import { noiseKeys } from '../graph/token-noise.ts'
import type { DecoderSession, ForwardResult } from './decoder-session.ts'
import { InterventionPlan, tokenPlaces } from './intervention-plan.ts'
import type { KeyValueStore } from './key-value-cache.ts'
import { LanePlan, type LaneRows } from './lane-rows.ts'
import type {
  CaptureSpec,
  GeneratedItem,
  GenerationSpec,
  InterventionsSpec,
  LaneSpec,
  Progress,
  TopTokens,
  TruncationSpec,
} from './messages.ts'
import type { HiddenSums } from './pooled-sums.ts'
import { cacheRowBytes } from './row-bytes.ts'
import { ListSource, type PromptWork, type SampleSource, type SampleWork } from './sample-source.ts'
import { topTokens } from './top-tokens.ts'

/**
 * A batch of one would use other kernels for the adapters' products (a matrix times a vector), whose sums round otherwise, and
 * a sample would depend on the batch that it ran in.
 */
const minRows = 2

/** A sample on its way through a slot of the batch. */
interface Row {
  readonly work: SampleWork
  readonly tokens: number[]
  readonly logprobs: number[]
  readonly tops: TopTokens[]
  /** Tokens in the cache. */
  length: number
  /** The token that the next run feeds. */
  next: number
  /** Whether that token belongs to the answer or its closing, and so to the means. */
  isPooled: boolean
  phase: 'sampling' | 'last-token' | 'closing'
  finishReason: 'stop' | 'length'
  nClosingFed: number
  content: Float32Array | null
}

interface Prefilled {
  readonly cache: KeyValueStore
  readonly length: number
}

export interface GenerationHooks {
  /** Takes a finished sample; resolves when there is room for more. */
  readonly onItem: (item: GeneratedItem, work: SampleWork) => Promise<void>
  /** Takes each token as it is sampled, where that is wanted. */
  readonly onToken?: (work: SampleWork, sampled: SampledToken) => void
  /** Called after every run. */
  readonly onProgress: (progress: Progress) => void
  readonly signal: AbortSignal
}

/** A token that was sampled, a stop token too. */
export interface SampledToken {
  readonly tokenId: number
  readonly isStop: boolean
  readonly logprob: number | null
  readonly top: TopTokens | null
}

/** What the batch as a whole needs to know. */
export interface BatchSpec {
  readonly batchSize: number
  readonly capture: CaptureSpec | null
  /** Which adapters each prompt runs with, where they differ. */
  readonly lanes: LaneSpec | null
  readonly interventions: InterventionsSpec | null
  /** Null where every token may be sampled. */
  readonly truncation: TruncationSpec | null
  /** Most bytes of keys and values; what does not fit waits, though not for an empty batch. @default no limit */
  readonly cacheBytes?: number
  /** Tokens that each row has room for from the start, closing tokens aside. @default what the samples need */
  readonly leastCapacity?: number
  /** Samples in all, where that is known. @default 0 */
  readonly nTotal?: number
}

/**
 * Samples answers: each prompt is run once and its keys and values are copied for its samples; a batch of slots takes one token
 * a run; finished slots are refilled, and when nothing waits the batch shrinks. Every run gives each active row's state for
 * the token that was FED, so after the last sampled token one more run is needed for its state, and one for each closing token.
 */
export async function generate(
  session: DecoderSession,
  spec: GenerationSpec,
  hooks: GenerationHooks,
): Promise<void> {
  const { batchSize, capture, lanes, prompts, items } = spec
  const longest = prompts.reduce((max, prompt) => Math.max(max, prompt.length), 0)
  const batch = {
    batchSize,
    capture,
    lanes,
    interventions: spec.interventions,
    truncation: spec.truncation,
    nTotal: items.length,
    leastCapacity: longest + spec.maxNewTokens,
  }
  using generation = new Generation(session, new ListSource(spec), batch, hooks)
  await generation.run()
}

export class Generation implements Disposable {
  readonly #session: DecoderSession
  readonly #source: SampleSource
  readonly #spec: BatchSpec
  readonly #hooks: GenerationHooks
  readonly #lanes: LanePlan | undefined
  readonly #interventions: InterventionPlan | undefined
  readonly #prefilled = new Map<PromptWork, Prefilled>()
  readonly #nClosing: number
  /** Tokens that a row's keys and values have room for. */
  #capacity = 0
  #rows: (Row | undefined)[] = []
  #cache: KeyValueStore
  #sums: HiddenSums | undefined
  #nDone = 0
  #nTokens = 0

  constructor(
    session: DecoderSession,
    source: SampleSource,
    spec: BatchSpec,
    hooks: GenerationHooks,
  ) {
    this.#session = session
    this.#source = source
    this.#spec = spec
    this.#hooks = hooks
    this.#lanes = spec.lanes === null ? undefined : new LanePlan(spec.lanes)
    this.#nClosing = spec.capture?.wantsTurn === true ? spec.capture.closingTokenIds.length : 0
    this.#cache = session.newCache(0, 0)
    if (spec.interventions !== null)
      this.#interventions = new InterventionPlan(session.architecture, spec.interventions)
  }

  async run(): Promise<void> {
    let lastYield = performance.now()
    while (this.#nActive() > 0 || (await this.#source.more())) {
      this.#hooks.signal.throwIfAborted()
      this.#dropCancelled()
      await this.#refill()
      this.#compact()
      if (this.#nActive() > 0) await this.#step()
      if (performance.now() - lastYield < 10) continue
      // The runtime blocks the thread: let messages in, an abort among them.
      await new Promise((resolve) => setImmediate(resolve))
      lastYield = performance.now()
    }
    this.#report()
  }

  /** Frees the slots of what nobody wants any more. */
  #dropCancelled(): void {
    for (const [slot, row] of this.#rows.entries())
      if (row?.work.isCancelled === true) this.#rows[slot] = undefined
    for (const prompt of this.#prefilled.keys()) this.#dropUnwanted(prompt)
  }

  /** Frees the keys and values of a prompt that no sample waits for. */
  #dropUnwanted(prompt: PromptWork): void {
    if (prompt.nWaiting > 0) return
    this.#prefilled.get(prompt)?.cache[Symbol.dispose]()
    this.#prefilled.delete(prompt)
  }

  /** Frees what lies on a device. */
  [Symbol.dispose](): void {
    this.#cache[Symbol.dispose]()
    this.#sums?.[Symbol.dispose]()
    for (const { cache } of this.#prefilled.values()) cache[Symbol.dispose]()
  }

  async #refill(): Promise<void> {
    this.#makeRoom()
    for (let slot = 0; slot < this.#rows.length; slot++) {
      if (this.#rows[slot] !== undefined || this.#nActive() >= this.#spec.batchSize) continue
      const waiting = this.#source.peek()
      if (waiting === undefined || this.#need(waiting) > this.#capacity) return
      const work = this.#source.take() as SampleWork
      const { prompt } = work
      const prefilled = await this.#prefill(prompt)
      this.#cache.copyRow(prefilled.cache, 0, slot, prefilled.length)
      this.#dropUnwanted(prompt)
      this.#sums?.clear(slot)
      this.#rows[slot] = {
        work,
        tokens: [],
        logprobs: [],
        tops: [],
        length: prefilled.length,
        next: prompt.tokenIds.at(-1) as number,
        isPooled: false,
        phase: 'sampling',
        finishReason: 'length',
        nClosingFed: 0,
        content: null,
      }
    }
  }

  /** Slots for what waits, and capacity for the one that comes next, as far as the memory allows. */
  #makeRoom(): void {
    const next = this.#source.peek()
    if (next === undefined) return
    const nActive = this.#nActive()
    const { batchSize, cacheBytes = Number.POSITIVE_INFINITY } = this.#spec
    const isEmpty = nActive === 0
    const need = this.#need(next)
    const capacity = Math.max(isEmpty ? 0 : this.#capacity, need)
    const rowBytes = cacheRowBytes(this.#session.architecture, capacity)
    const nFitting = Math.max(isEmpty ? 1 : 0, Math.floor(cacheBytes / rowBytes))
    const nWanted = Math.min(batchSize, nActive + this.#source.nWaiting, nFitting)
    if (nWanted <= nActive) return
    const nRows = Math.max(minRows, nWanted, isEmpty ? 0 : Math.min(this.#rows.length, nFitting))
    if (nRows > this.#rows.length || capacity > this.#capacity) this.#resize(nRows, capacity)
  }

  #need({ prompt, maxNewTokens }: SampleWork): number {
    const { leastCapacity = 0 } = this.#spec
    return Math.max(leastCapacity, prompt.tokenIds.length + maxNewTokens) + this.#nClosing
  }

  /**
   * Keys and values of a prompt but for its last token, which each sample feeds itself as its first run. A prompt runs alone,
   * so that its numbers do not depend on which others there are.
   */
  async #prefill(prompt: PromptWork): Promise<Prefilled> {
    const known = this.#prefilled.get(prompt)
    if (known !== undefined) return known
    const tokenIds = prompt.tokenIds.slice(0, -1)
    const { length } = tokenIds
    const cache = this.#session.newCache(1, Math.max(1, length))
    const { maxColumns } = this.#session.attention
    for (let start = 0; start < length; start += maxColumns) {
      const piece = tokenIds.subarray(start, start + maxColumns)
      const nColumns = piece.length
      await this.#session.run({
        tokenIds: piece,
        nRows: 1,
        nColumns,
        lastPositions: Int32Array.of(start + nColumns - 1),
        cache,
        lanes: this.#lanes?.alone(prompt.index),
        ...this.#intervene(new Int32Array(nColumns).fill(prompt.index), new Uint8Array(nColumns)),
      })
    }
    const prefilled = { cache, length }
    this.#prefilled.set(prompt, prefilled)
    return prefilled
  }

  /** Shrinks the batch to its active rows once nothing waits and at most half of the slots are in use. */
  #compact(): void {
    const nActive = this.#nActive()
    if (this.#source.nWaiting > 0 || nActive * 2 > this.#rows.length) return
    const nRows = Math.max(minRows, nActive)
    if (nRows < this.#rows.length) this.#resize(nRows, this.#capacity)
  }

  /** Moves the active rows to the front of a batch of another size. */
  #resize(nRows: number, capacity: number): void {
    const active = this.#rows.filter((row) => row !== undefined)
    const cache = this.#session.newCache(nRows, capacity)
    const sums = this.#spec.capture === null ? undefined : this.#session.newSums(nRows)
    for (const [to, row] of active.entries()) {
      const from = this.#rows.indexOf(row)
      cache.copyRow(this.#cache, from, to, row.length)
      if (this.#sums !== undefined) sums?.copy(this.#sums, from, to)
    }
    this.#rows = Array.from({ length: nRows }, (_, i) => active[i])
    this.#capacity = capacity
    this.#cache[Symbol.dispose]()
    this.#sums?.[Symbol.dispose]()
    this.#cache = cache
    this.#sums = sums
  }

  #nActive(): number {
    let n = 0
    for (const row of this.#rows) if (row !== undefined) n += 1
    return n
  }

  async #step(): Promise<void> {
    const rows = this.#rows
    const n = rows.length
    const logitRows = rows.flatMap((row, slot) => (row?.phase === 'sampling' ? [slot] : []))
    const sampling = this.#samplingInputs(logitRows)
    const works = logitRows.map((slot) => (rows[slot] as Row).work)
    const pool = this.#sums && {
      sums: this.#sums,
      weights: this.#poolWeights(),
      isBefore: this.#spec.capture?.isBefore === true,
    }
    const result = await this.#session.run({
      tokenIds: Int32Array.from(rows, (row) => row?.next ?? 0),
      nRows: n,
      nColumns: 1,
      // An empty slot keeps writing its first position.
      lastPositions: Int32Array.from(rows, (row) => row?.length ?? 0),
      cache: this.#cache,
      lanes: this.#rowLanes(),
      ...(pool === undefined ? {} : { pool }),
      ...this.#intervene(
        rows.map((row) => (row === undefined ? -1 : row.work.prompt.index)),
        rows.map(placeOf),
      ),
      ...(logitRows.length === 0
        ? {}
        : { logitRows: BigInt64Array.from(logitRows, BigInt), sampling }),
      ...(works.some((work) => work.wantsLogprobs)
        ? { targets: new BigInt64Array(logitRows.length).fill(-1n) }
        : {}),
      wantsLogits: works.some((work) => work.nTopLogprobs > 0),
    })
    const sampledAt = new Map(logitRows.map((slot, i) => [slot, this.#sampled(result, i, works)]))
    for (const [slot, row] of rows.entries())
      if (row !== undefined) await this.#advance(slot, row, sampledAt.get(slot))
    this.#report()
  }

  #rowLanes(): LaneRows | undefined {
    return this.#lanes?.together(this.#rows.map((row) => row?.work.prompt.index))
  }

  /** What the i-th row of the readout sampled. */
  #sampled({ tokens, logprobs, logits }: ForwardResult, i: number, works: readonly SampleWork[]) {
    const { wantsLogprobs, nTopLogprobs } = works[i] as SampleWork
    const tokenId = Number(tokens?.[i])
    const logprob = wantsLogprobs && logprobs !== undefined ? (logprobs[i] as number) : null
    if (logprob === null || nTopLogprobs === 0 || logits === undefined)
      return { tokenId, logprob, top: null }
    const { vocabSize } = this.#session.architecture
    const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize)
    const logTotal = (row[tokenId] as number) - logprob
    return { tokenId, logprob, top: topTokens(row, this.#session.nTokens, nTopLogprobs, logTotal) }
  }

  #intervene(lists: ArrayLike<number>, places: ArrayLike<number>) {
    const plan = this.#interventions
    return plan === undefined
      ? {}
      : { interventions: plan.feeds({ [inputs.interventionTerms]: { lists, places } }) }
  }

  #samplingInputs(slots: readonly number[]) {
    const keysA = new Int32Array(slots.length)
    const keysB = new Int32Array(slots.length)
    const temperatures = new Float32Array(slots.length)
    for (const [i, slot] of slots.entries()) {
      const { work, tokens } = this.#rows[slot] as Row
      const { a, b } = noiseKeys(work.noise, tokens.length)
      keysA[i] = a
      keysB[i] = b
      temperatures[i] = work.temperature
    }
    return { keysA, keysB, temperatures, truncation: this.#spec.truncation }
  }

  /** Each row adds the state of the token that it feeds to its own sum, or nothing. */
  #poolWeights(): Float32Array {
    const n = this.#rows.length
    const weights = new Float32Array(n * n)
    for (const [slot, row] of this.#rows.entries())
      if (row?.isPooled === true) weights[slot * n + slot] = 1
    return weights
  }

  async #advance(
    slot: number,
    row: Row,
    sampled: Omit<SampledToken, 'isStop'> | undefined,
  ): Promise<void> {
    row.length += 1
    if (row.phase === 'sampling' && sampled !== undefined) {
      const { tokenId, logprob, top } = sampled
      this.#checkToken(tokenId)
      const isStop = row.work.stopTokenIds.has(tokenId)
      if (logprob !== null) row.logprobs.push(logprob)
      if (top !== null) row.tops.push(top)
      this.#hooks.onToken?.(row.work, { ...sampled, isStop })
      if (isStop) {
        row.finishReason = 'stop'
        await this.#endContent(slot, row)
        return
      }
      row.tokens.push(tokenId)
      this.#nTokens += 1
      row.next = tokenId
      row.isPooled = true
      if (row.tokens.length < row.work.maxNewTokens) return
      if (this.#spec.capture === null) await this.#finish(slot, row, null)
      else row.phase = 'last-token'
    } else if (row.phase === 'last-token') await this.#endContent(slot, row)
    else {
      row.nClosingFed += 1
      await this.#feedClosing(slot, row)
    }
  }

  async #endContent(slot: number, row: Row): Promise<void> {
    const { capture } = this.#spec
    if (capture === null || row.tokens.length === 0) return this.#finish(slot, row, null)
    row.content = await this.#mean(slot, row.tokens.length)
    if (!capture.wantsTurn) return this.#finish(slot, row, null)
    row.phase = 'closing'
    row.isPooled = true
    await this.#feedClosing(slot, row)
  }

  async #feedClosing(slot: number, row: Row): Promise<void> {
    const closing = this.#spec.capture?.closingTokenIds ?? []
    const next = closing[row.nClosingFed]
    if (next === undefined)
      await this.#finish(slot, row, await this.#mean(slot, row.tokens.length + closing.length))
    else row.next = next
  }

  async #mean(slot: number, nTokens: number): Promise<Float32Array> {
    const mean = await (this.#sums as HiddenSums).read(
      slot,
      this.#spec.capture?.layers ?? [],
      1 / nTokens,
    )
    if (mean.some((value) => !Number.isFinite(value))) throw notFinite()
    return mean
  }

  #checkToken(token: number): void {
    const { vocabSize } = this.#session.architecture
    if (!(token >= 0 && token < vocabSize)) throw notFinite()
  }

  async #finish(slot: number, row: Row, turn: Float32Array | null): Promise<void> {
    this.#rows[slot] = undefined
    this.#nDone += 1
    const { work } = row
    const item = {
      index: work.index,
      tokenIds: Int32Array.from(row.tokens),
      finishReason: row.finishReason,
      logprobs: work.wantsLogprobs ? Float32Array.from(row.logprobs) : null,
      topLogprobs: work.nTopLogprobs > 0 ? row.tops : null,
      content: row.content,
      turn,
    }
    await this.#hooks.onItem(item, work)
  }

  #report(): void {
    this.#hooks.onProgress({
      nTokens: this.#nTokens,
      nDone: this.#nDone,
      nTotal: this.#spec.nTotal ?? 0,
    })
  }
}

/** Whether the next run feeds one of the answer's own tokens, not the prompt's last one or a closing one. */
function isAnswerFed({ phase, tokens }: Row): boolean {
  return phase !== 'closing' && tokens.length > 0
}

/** Where the token stands that a row feeds: its first one is the prompt's last. */
function placeOf(row: Row | undefined): number {
  if (row === undefined) return tokenPlaces.other
  if (isAnswerFed(row)) return tokenPlaces.generated
  return row.phase === 'sampling' ? tokenPlaces.promptEnd : tokenPlaces.other
}

function notFinite(): CemError {
  return new CemError({
    code: 'activations-not-finite',
    message:
      'The model computed NaN or infinite numbers while it generated. Its weights or an adapter have diverged, or overflow in this precision.',
  })
}
