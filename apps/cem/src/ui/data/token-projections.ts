import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { projectOne } from '@cem/direction'
import { type Cell, type CompletionRecord, readLock } from '@cem/experiment'
import {
  availableMemory,
  type Composition,
  compose,
  estimateMemory,
  type Model,
  openModel,
} from '@cem/inference'
import { bytesText } from '../../terminal-text.ts'
import { storeOf } from './answers.ts'
import { type RunDirection, readRunDirection, unavailable } from './run-direction.ts'

/** One token of an answer on the run's direction. */
export interface ProjectedToken {
  readonly text: string
  /** dot(state, direction) at the run's layer; positive = more misaligned. */
  readonly projection: number
  /** 0: the mean of the base's answers, 1: that of the checkpoint the direction was made from. Null where these are not known. */
  readonly relative: number | null
}

export interface TokenProjections {
  readonly layer: number
  readonly tokens: readonly ProjectedToken[]
  /** What the direction was made from. */
  readonly direction: Pick<RunDirection, 'baseline' | 'step' | 'isProvisional'>
}

export interface ProjectorOptions {
  /** Memory that another model may take. @default what the system says */
  readonly availableBytes?: () => number
}

export interface ProjectOptions {
  /** Whether the run goes on, and its own model takes processors and device: this one stays on a few processors. @default false */
  readonly isBusy?: boolean
}

/**
 * Computes what tokens of a run's answers project to. A run keeps means of its answers, not states of tokens, so these come from
 * a teacher-forced pass of the cell's own model over the stored token ids. The model stays loaded for the next answer.
 */
export class TokenProjector implements AsyncDisposable {
  readonly #storeFolder: string
  readonly #availableBytes: () => number
  #model: { readonly cell: string; readonly opened: Promise<Model> } | undefined
  #direction: RunDirection | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(storeFolder: string, { availableBytes = availableMemory }: ProjectorOptions = {}) {
    this.#storeFolder = storeFolder
    this.#availableBytes = availableBytes
  }

  /**
   * @throws CemError `token-projection-unavailable` where there is no direction, or the cell's states are in another space, memory does
   *   not suffice for another model, or the cell's model is not the run's any more; what opening a model throws
   */
  project(
    cell: Cell,
    completion: CompletionRecord,
    { isBusy = false }: ProjectOptions = {},
  ): Promise<TokenProjections> {
    const result = this.#queue.then(() => this.#project(cell, completion, isBusy))
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #project(
    cell: Cell,
    completion: CompletionRecord,
    isBusy: boolean,
  ): Promise<TokenProjections> {
    if (cell.causal !== undefined)
      throw unavailable(
        `${cell.id} was changed along the direction while it answered: its states are not those of a model alone.`,
      )
    // One that the run will replace is read again.
    if (this.#direction === undefined || this.#direction.isProvisional)
      this.#direction = await readRunDirection(this.#storeFolder)
    const { layer, vector, origin, length, baseline, step, base, isProvisional } = this.#direction
    if (cell.base !== base)
      throw unavailable(
        `${cell.id} has another base model than ${baseline}, which made the direction: its states are in another space.`,
      )
    const direction = { baseline, step, isProvisional }
    const { promptTokenIds, tokenIds } = completion
    if (tokenIds.length === 0) return { layer, tokens: [], direction }
    const model = await this.#open(cell, isBusy)
    const start = promptTokenIds.length
    const sequence = {
      id: 'answer',
      tokenIds: [...promptTokenIds, ...tokenIds],
      states: { start, end: start + tokenIds.length },
    }
    const texts = tokenTexts(model, tokenIds)
    for await (const { states } of model.score({ sequences: [sequence], layers: [layer] })) {
      if (states === null) break
      const { dModel } = model.architecture
      const tokens = texts.map((text, i): ProjectedToken => {
        const projection = projectOne(states.subarray(i * dModel, (i + 1) * dModel), vector)
        const relative = origin === null || length === null ? null : (projection - origin) / length
        return { text, projection, relative }
      })
      return { layer, tokens, direction }
    }
    throw unavailable('The model gave no states.')
  }

  async #open(cell: Cell, isBusy: boolean): Promise<Model> {
    if (this.#model?.cell !== cell.id) {
      await this[Symbol.asyncDispose]()
      this.#model = { cell: cell.id, opened: this.#load(cell, isBusy) }
    }
    try {
      return await (this.#model as { opened: Promise<Model> }).opened
    } catch (error) {
      this.#model = undefined
      throw error
    }
  }

  /** The cell's model as the run had it, by the hash in its lock. */
  async #load(cell: Cell, isBusy: boolean): Promise<Model> {
    const lock = await readLock(storeOf(this.#storeFolder))
    const locked = lock?.cells[cell.id]?.composition
    const baseAliases = await Promise.all(cell.layers.map(({ adapter }) => baseNameOf(adapter)))
    const composition = await compose({
      base: cell.base,
      layers: cell.layers,
      precision: lock?.precision ?? 'f32',
      baseAliases: baseAliases.flat(),
    })
    checkMemory(composition, this.#availableBytes(), isBusy)
    const { sha256 } = await composition.record()
    if (locked !== undefined && locked.sha256 !== sha256)
      throw unavailable(`The weights or adapters of ${cell.id} are not those of the run any more.`)
    if (!isBusy) return openModel(composition)
    const threads = Math.max(1, Math.floor(availableParallelism() / 4))
    return openModel(composition, { provider: 'cpu', threads })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const model = this.#model
    this.#model = undefined
    if (model === undefined) return
    const opened = await model.opened.catch(() => undefined)
    await opened?.[Symbol.asyncDispose]()
  }
}

/** The run held the adapters against the base; what they call it does not matter here. */
async function baseNameOf(adapter: string): Promise<string[]> {
  const text = await readFile(join(adapter, 'adapter_config.json'), 'utf8').catch(() => '{}')
  const { base_model_name_or_path: name } = JSON.parse(text) as Record<string, unknown>
  return typeof name === 'string' && name !== '' ? [name] : []
}

/** What each token adds to the text; a character that several tokens make comes with the last of them. */
function tokenTexts({ tokenizer }: Model, tokenIds: readonly number[]): string[] {
  const decoder = new TextDecoder('utf-8')
  return tokenIds.map((id) => decoder.decode(tokenizer.tokenBytes(id), { stream: true }))
}

/** A model that does not fit would take the run, or the machine, down with it. */
function checkMemory(
  { base, precision }: Composition,
  availableBytes: number,
  isBusy: boolean,
): void {
  const { loadPeak } = estimateMemory(base.architecture, { precision })
  if (loadPeak <= availableBytes) return
  const beside = isBusy ? ' beside that of the run' : ''
  const advice = isBusy ? 'Ask again when the run has ended, or use' : 'Use'
  throw unavailable(
    `The model of this cell takes about ${bytesText(loadPeak)} of memory${beside}, and ${bytesText(availableBytes)} are free. ${advice} cem watch on a machine with more.`,
  )
}
