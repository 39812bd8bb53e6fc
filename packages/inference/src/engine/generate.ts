import { CemError } from '@cem/core'
import { noiseKeys } from '../graph/token-noise.ts'
import type { DecoderSession } from './decoder-session.ts'
import { InterventionPlan } from './intervention-plan.ts'
import { KeyValueCache } from './key-value-cache.ts'
import { LanePlan, type LaneRows } from './lane-rows.ts'
import type { GeneratedItem, GenerationSpec, Progress } from './messages.ts'
import { PooledSums } from './pooled-sums.ts'

/**
 * A batch of one would use other kernels for the adapters' products (a matrix times a vector), whose sums round otherwise, and
 * a sample would depend on the batch that it ran in.
 */
const minRows = 2

/** A sample on its way through a slot of the batch. */
interface Row {
  readonly index: number
  readonly promptLength: number
  readonly tokens: number[]
  readonly logprobs: number[]
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
  readonly cache: KeyValueCache
  readonly length: number
  nWaiting: number
}

export interface GenerationHooks {
  /** Takes a finished sample; resolves when there is room for more. */
  readonly onItem: (item: GeneratedItem) => Promise<void>
  readonly onProgress: (progress: Progress) => void
  readonly signal: AbortSignal
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
  await new Generation(session, spec, hooks).run()
}

class Generation {
  readonly #session: DecoderSession
  readonly #spec: GenerationSpec
  readonly #hooks: GenerationHooks
  readonly #stops: ReadonlySet<number>
  readonly #prefilled = new Map<number, Prefilled>()
  readonly #capacity: number
  readonly #lanes: LanePlan | undefined
  readonly #interventions: InterventionPlan | undefined
  #rows: (Row | undefined)[]
  #cache: KeyValueCache
  #sums: PooledSums | undefined
  #nextItem = 0
  #nDone = 0
  #nTokens = 0

  constructor(session: DecoderSession, spec: GenerationSpec, hooks: GenerationHooks) {
    this.#session = session
    this.#spec = spec
    this.#hooks = hooks
    this.#lanes = spec.lanes === null ? undefined : new LanePlan(spec.lanes)
    this.#stops = new Set(spec.stopTokenIds)
    const longest = spec.prompts.reduce((max, prompt) => Math.max(max, prompt.length), 0)
    const closing = spec.capture?.wantsTurn === true ? spec.capture.closingTokenIds.length : 0
    this.#capacity = longest + spec.maxNewTokens + closing
    const nRows = Math.max(minRows, Math.min(spec.batchSize, spec.items.length))
    this.#rows = Array.from({ length: nRows }, () => undefined)
    this.#cache = new KeyValueCache(session.architecture, nRows, this.#capacity)
    this.#sums = spec.capture === null ? undefined : new PooledSums(session.architecture, nRows)
    if (spec.interventions !== null)
      this.#interventions = new InterventionPlan(session.architecture, spec.interventions)
  }

  async run(): Promise<void> {
    let lastYield = performance.now()
    while (this.#nDone < this.#spec.items.length) {
      this.#hooks.signal.throwIfAborted()
      await this.#refill()
      this.#compact()
      await this.#step()
      if (performance.now() - lastYield < 10) continue
      // The runtime blocks the thread: let messages in, an abort among them.
      await new Promise((resolve) => setImmediate(resolve))
      lastYield = performance.now()
    }
    this.#report()
  }

  async #refill(): Promise<void> {
    for (let slot = 0; slot < this.#rows.length; slot++) {
      if (this.#rows[slot] !== undefined || this.#nActive() >= this.#spec.batchSize) continue
      const item = this.#spec.items[this.#nextItem]
      if (item === undefined) return
      const index = this.#nextItem++
      const prompt = this.#spec.prompts[item.promptIndex] as Int32Array
      const prefilled = await this.#prefill(item.promptIndex)
      this.#cache.copyRow(prefilled.cache, 0, slot, prefilled.length)
      prefilled.nWaiting -= 1
      if (prefilled.nWaiting === 0) this.#prefilled.delete(item.promptIndex)
      this.#sums?.clear(slot)
      this.#rows[slot] = {
        index,
        promptLength: prompt.length,
        tokens: [],
        logprobs: [],
        length: prefilled.length,
        next: prompt.at(-1) as number,
        isPooled: false,
        phase: 'sampling',
        finishReason: 'length',
        nClosingFed: 0,
        content: null,
      }
    }
  }

  /**
   * Keys and values of a prompt but for its last token, which each sample feeds itself as its first run. A prompt runs alone,
   * so that its numbers do not depend on which others there are.
   */
  async #prefill(promptIndex: number): Promise<Prefilled> {
    const known = this.#prefilled.get(promptIndex)
    if (known !== undefined) return known
    const prompt = (this.#spec.prompts[promptIndex] as Int32Array).slice(0, -1)
    const cache = new KeyValueCache(this.#session.architecture, 1, Math.max(1, prompt.length))
    if (prompt.length > 0)
      await this.#session.run({
        tokenIds: prompt,
        nRows: 1,
        nColumns: prompt.length,
        lastPositions: Int32Array.of(prompt.length - 1),
        cache,
        lanes: this.#lanes?.alone(promptIndex),
        ...this.#intervene(
          prompt.map(() => promptIndex),
          new Uint8Array(prompt.length),
        ),
      })
    const nWaiting = this.#spec.items.filter((item) => item.promptIndex === promptIndex).length
    const prefilled = { cache, length: prompt.length, nWaiting }
    this.#prefilled.set(promptIndex, prefilled)
    return prefilled
  }

  /** Shrinks the batch to its active rows once nothing waits and at most half of the slots are in use. */
  #compact(): void {
    const active = this.#rows.filter((row) => row !== undefined)
    if (this.#nextItem < this.#spec.items.length || active.length * 2 > this.#rows.length) return
    const nRows = Math.max(minRows, active.length)
    if (nRows === this.#rows.length) return
    const { architecture } = this.#session
    const cache = new KeyValueCache(architecture, nRows, this.#capacity)
    const sums = this.#sums && new PooledSums(architecture, nRows)
    for (const [to, row] of active.entries()) {
      const from = this.#rows.indexOf(row)
      cache.copyRow(this.#cache, from, to, row.length)
      if (this.#sums !== undefined) sums?.copy(this.#sums, from, to)
    }
    this.#rows = Array.from({ length: nRows }, (_, i) => active[i])
    this.#cache = cache
    this.#sums = sums
  }

  #nActive(): number {
    return this.#rows.filter((row) => row !== undefined).length
  }

  async #step(): Promise<void> {
    const rows = this.#rows
    const n = rows.length
    const logitRows = rows.flatMap((row, slot) => (row?.phase === 'sampling' ? [slot] : []))
    const sampling = this.#samplingInputs(logitRows)
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
        rows.map((row) => (row === undefined ? -1 : this.#promptOf(row))),
        rows.map((row) => (row !== undefined && isAnswerFed(row) ? 1 : 0)),
      ),
      ...(logitRows.length === 0
        ? {}
        : { logitRows: BigInt64Array.from(logitRows, BigInt), sampling }),
      ...(this.#spec.wantsLogprobs && logitRows.length > 0
        ? { targets: new BigInt64Array(logitRows.length).fill(-1n) }
        : {}),
    })
    for (const [i, slot] of logitRows.entries()) {
      const row = rows[slot] as Row
      if (result.logprobs !== undefined) row.logprobs.push(result.logprobs[i] as number)
    }
    const sampledAt = new Map(logitRows.map((slot, i) => [slot, Number(result.tokens?.[i])]))
    for (const [slot, row] of rows.entries())
      if (row !== undefined) await this.#advance(slot, row, sampledAt.get(slot))
    this.#report()
  }

  #rowLanes(): LaneRows | undefined {
    return this.#lanes?.together(
      this.#rows.map((row) => row && this.#spec.items[row.index]?.promptIndex),
    )
  }

  #promptOf(row: Row): number {
    return (this.#spec.items[row.index] as GenerationSpec['items'][number]).promptIndex
  }

  #intervene(lists: ArrayLike<number>, isGenerated: ArrayLike<number>) {
    const plan = this.#interventions
    return plan === undefined ? {} : { interventions: plan.feeds({ lists, isGenerated }) }
  }

  #samplingInputs(slots: readonly number[]) {
    const keysA = new Int32Array(slots.length)
    const keysB = new Int32Array(slots.length)
    for (const [i, slot] of slots.entries()) {
      const row = this.#rows[slot] as Row
      const item = this.#spec.items[row.index] as GenerationSpec['items'][number]
      const { a, b } = noiseKeys(item.noise, row.tokens.length)
      keysA[i] = a
      keysB[i] = b
    }
    const temperatures = new Float32Array(slots.length).fill(this.#spec.temperature)
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

  async #advance(slot: number, row: Row, sampled: number | undefined): Promise<void> {
    row.length += 1
    if (row.phase === 'sampling') {
      if (this.#stops.has(sampled as number)) {
        row.finishReason = 'stop'
        await this.#endContent(slot, row)
        return
      }
      this.#checkToken(sampled)
      row.tokens.push(sampled as number)
      this.#nTokens += 1
      row.next = sampled as number
      row.isPooled = true
      if (row.tokens.length < this.#spec.maxNewTokens) return
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
    row.content = this.#mean(slot, row.tokens.length)
    if (!capture.wantsTurn) return this.#finish(slot, row, null)
    row.phase = 'closing'
    row.isPooled = true
    await this.#feedClosing(slot, row)
  }

  async #feedClosing(slot: number, row: Row): Promise<void> {
    const closing = this.#spec.capture?.closingTokenIds ?? []
    const next = closing[row.nClosingFed]
    if (next === undefined)
      await this.#finish(slot, row, this.#mean(slot, row.tokens.length + closing.length))
    else row.next = next
  }

  #mean(slot: number, nTokens: number): Float32Array {
    const mean = (this.#sums as PooledSums).read(
      slot,
      this.#spec.capture?.layers ?? [],
      1 / nTokens,
    )
    if (mean.some((value) => !Number.isFinite(value))) throw notFinite()
    return mean
  }

  #checkToken(token: number | undefined): void {
    const { vocabSize } = this.#session.architecture
    if (token === undefined || !(token >= 0 && token < vocabSize)) throw notFinite()
  }

  async #finish(slot: number, row: Row, turn: Float32Array | null): Promise<void> {
    this.#rows[slot] = undefined
    this.#nDone += 1
    await this.#hooks.onItem({
      index: row.index,
      tokenIds: Int32Array.from(row.tokens),
      finishReason: row.finishReason,
      logprobs: this.#spec.wantsLogprobs ? Float32Array.from(row.logprobs) : null,
      content: row.content,
      turn,
    })
  }

  #report(): void {
    this.#hooks.onProgress({
      nTokens: this.#nTokens,
      nDone: this.#nDone,
      nTotal: this.#spec.items.length,
    })
  }
}

/** Whether the next run feeds one of the answer's own tokens, not the prompt's last one or a closing one. */
function isAnswerFed({ phase, tokens }: Row): boolean {
  return phase !== 'closing' && tokens.length > 0
}

function notFinite(): CemError {
  return new CemError({
    code: 'activations-not-finite',
    message:
      'The model computed NaN or infinite numbers while it generated. Its weights or an adapter have diverged, or overflow in this precision.',
  })
}
