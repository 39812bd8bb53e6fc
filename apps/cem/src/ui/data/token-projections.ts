import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CemError } from '@cem/core'
import { projectOne } from '@cem/direction'
import {
  type Analysis,
  type Cell,
  type CompletionRecord,
  readDirections,
  readLock,
} from '@cem/experiment'
import { compose, type Model, openModel } from '@cem/inference'
import { storeOf } from './answers.ts'

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
}

/** Where a run's direction is, and its scale. */
interface RunDirection {
  readonly layer: number
  readonly vector: Float32Array
  readonly origin: number | null
  readonly length: number | null
}

/**
 * Computes what tokens of a run's answers project to. A run keeps means of its answers, not states of tokens, so these come from
 * a teacher-forced pass of the cell's own model over the stored token ids. The model stays loaded for the next answer.
 */
export class TokenProjector implements AsyncDisposable {
  readonly #storeFolder: string
  #model: { readonly cell: string; readonly opened: Promise<Model> } | undefined
  #direction: Promise<RunDirection> | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(storeFolder: string) {
    this.#storeFolder = storeFolder
  }

  /**
   * @throws CemError `token-projection-unavailable` where there is no direction, or the cell's model is not the run's any more;
   *   what opening a model throws
   */
  project(cell: Cell, completion: CompletionRecord): Promise<TokenProjections> {
    const result = this.#queue.then(() => this.#project(cell, completion))
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #project(cell: Cell, completion: CompletionRecord): Promise<TokenProjections> {
    if (cell.causal !== undefined)
      throw unavailable(
        `${cell.id} was changed along the direction while it answered: its states are not those of a model alone.`,
      )
    this.#direction ??= readDirection(this.#storeFolder)
    const { layer, vector, origin, length } = await this.#direction
    const { promptTokenIds, tokenIds } = completion
    if (tokenIds.length === 0) return { layer, tokens: [] }
    const model = await this.#open(cell)
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
      return { layer, tokens }
    }
    throw unavailable('The model gave no states.')
  }

  async #open(cell: Cell): Promise<Model> {
    if (this.#model?.cell !== cell.id) {
      await this[Symbol.asyncDispose]()
      this.#model = { cell: cell.id, opened: openCell(this.#storeFolder, cell) }
    }
    try {
      return await (this.#model as { opened: Promise<Model> }).opened
    } catch (error) {
      this.#model = undefined
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const model = this.#model
    this.#model = undefined
    if (model === undefined) return
    const opened = await model.opened.catch(() => undefined)
    await opened?.[Symbol.asyncDispose]()
  }
}

async function readDirection(storeFolder: string): Promise<RunDirection> {
  const path = join(dirname(dirname(storeFolder)), 'misalignment_direction.npz')
  const analysis = await readFile(join(storeFolder, 'analysis.json'), 'utf8')
    .then((text) => JSON.parse(text) as Analysis)
    .catch(() => undefined)
  if (analysis?.direction == null || !existsSync(path))
    throw unavailable(
      'The run has no direction yet: it is made when the run is analysed, from a baseline and the base with activations.',
    )
  const { layer, base } = analysis.direction
  const vector = (await readDirections(path)).get(layer)
  if (vector === undefined) throw unavailable(`${path} has no layer ${layer}.`)
  const norms = await readFile(path.replace(/npz$/, 'json'), 'utf8')
    .then(
      (text) =>
        (JSON.parse(text) as { displacement_norms?: Record<string, number> }).displacement_norms,
    )
    .catch(() => undefined)
  return {
    layer,
    vector,
    origin: base.find((one) => one.layer === layer)?.meanProjection ?? null,
    length: norms?.[String(layer)] ?? null,
  }
}

/** The cell's model as the run had it, by the hash in its lock. */
async function openCell(storeFolder: string, cell: Cell): Promise<Model> {
  const lock = await readLock(storeOf(storeFolder))
  const locked = lock?.cells[cell.id]?.composition
  const baseAliases = await Promise.all(cell.layers.map(({ adapter }) => baseNameOf(adapter)))
  const composition = await compose({
    base: cell.base,
    layers: cell.layers,
    precision: lock?.precision ?? 'f32',
    baseAliases: baseAliases.flat(),
  })
  const { sha256 } = await composition.record()
  if (locked !== undefined && locked.sha256 !== sha256)
    throw unavailable(`The weights or adapters of ${cell.id} are not those of the run any more.`)
  return openModel(composition)
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

function unavailable(message: string): CemError {
  return new CemError({ code: 'token-projection-unavailable', message })
}
