import { closeSync, openSync } from 'node:fs'
import { CemError } from '@cem/core'
import type { LinearModule } from '../families/architecture.ts'
import { adapterNames } from '../graph/io-names.ts'
import { createLaneMask } from './lane-mask.ts'
import type { LaneAdapters, LaneRows } from './lane-rows.ts'
import type { AdapterModuleSpec, AdapterSpec } from './messages.ts'
import { readFloats } from './read-weight.ts'
import { floats, type Tensor } from './runtime.ts'

interface Matrices {
  readonly rank: number
  /** [rank, nIn] */
  readonly a: Float32Array
  /** [nOut, rank], times the scale */
  readonly b: Float32Array
}

interface LoadedAdapter {
  readonly modules: ReadonlyMap<string, Matrices>
  readonly sizeBytes: number
  readonly isUntrained: boolean
}

/** Loaded adapters are kept up to here, the longest unused ones leave first. */
const keepBytes = 2 * 2 ** 30

/** Feeds of single lanes that are kept. */
const maxAlone = 16

/** Adapters in memory, and the graph inputs that one or several of them together make. */
export class AdapterStore {
  readonly #modules: readonly LinearModule[]
  readonly #loaded = new Map<string, LoadedAdapter>()
  readonly #hasLanes: boolean
  readonly #minRank: number
  #feeds: Record<string, Tensor>
  readonly #alone = new Map<string, LaneStack>()
  /** The matrices of several lanes put together, for the runs that follow. */
  #together: { readonly key: string; readonly stack: LaneStack } | undefined

  /** `minRank`: lower ranks are filled up with zeros, for providers that cannot multiply matrices of no columns. */
  constructor(modules: readonly LinearModule[], hasLanes: boolean, minRank = 0) {
    this.#modules = modules
    this.#hasLanes = hasLanes
    this.#minRank = minRank
    this.#feeds = this.#stack([[]]).feeds
  }

  /** The adapter inputs of the current selection. */
  get feeds(): Readonly<Record<string, Tensor>> {
    return this.#feeds
  }

  /**
   * The adapter inputs of rows of one or several lanes, of `nColumns` tokens each.
   *
   * @throws CemError `adapter-not-loaded`
   */
  laneFeeds({ lanes, laneOfRow }: LaneRows, nColumns: number): Readonly<Record<string, Tensor>> {
    const { feeds, ranks } = this.#stackOf(lanes)
    if (lanes.length === 1) return feeds
    const mask = createLaneMask(laneOfRow, nColumns)
    return { ...feeds, ...Object.fromEntries(Array.from(ranks, ([name, of]) => [name, mask(of)])) }
  }

  #stackOf(lanes: readonly LaneAdapters[]): LaneStack {
    const key = JSON.stringify(lanes)
    if (lanes.length > 1) {
      // The old matrices may leave before the new ones come.
      if (this.#together?.key !== key) this.#together = undefined
      this.#together ??= { key, stack: this.#stack(lanes) }
      return this.#together.stack
    }
    const stack = this.#alone.get(key) ?? this.#stack(lanes)
    // The feeds of most lanes are the loaded matrices themselves.
    if (this.#alone.size >= maxAlone) this.#alone.clear()
    this.#alone.set(key, stack)
    return stack
  }

  /** Reads an adapter unless it is there already. */
  load(spec: AdapterSpec): LoadedAdapter {
    const known = this.#loaded.get(spec.key)
    if (known !== undefined) return this.#touch(spec.key, known)
    const adapter = readAdapter(spec)
    this.#loaded.set(spec.key, adapter)
    let total = 0
    for (const { sizeBytes } of this.#loaded.values()) total += sizeBytes
    for (const [key, { sizeBytes }] of this.#loaded) {
      if (total <= keepBytes || key === spec.key) break
      if (spec.keep?.includes(key) === true) continue
      this.#loaded.delete(key)
      this.#alone.clear()
      total -= sizeBytes
    }
    return adapter
  }

  /**
   * Makes these adapters active, all at once; none is the base alone.
   *
   * @throws CemError `adapter-not-loaded`
   */
  select(selection: LaneAdapters): void {
    this.#feeds = this.#stack([selection]).feeds
  }

  #find(selection: LaneAdapters): WeightedLoaded[] {
    return selection.map(({ key, weight }) => {
      const adapter = this.#loaded.get(key)
      if (adapter === undefined)
        throw new CemError({
          code: 'adapter-not-loaded',
          message: `The adapter ${key} is not loaded.`,
          data: { key },
        })
      return { weight, ...this.#touch(key, adapter) }
    })
  }

  #touch(key: string, adapter: LoadedAdapter): LoadedAdapter {
    this.#loaded.delete(key)
    this.#loaded.set(key, adapter)
    return adapter
  }

  #stack(lanes: readonly LaneAdapters[]): LaneStack {
    const found = lanes.map((lane) => this.#find(lane))
    const feeds: Record<string, Tensor> = {}
    const ranks = new Map<string, readonly number[]>()
    for (const { path, nIn, nOut } of this.#modules) {
      const parts = found.map((lane) => partsOf(lane, path))
      const { a, b, rank } = stackRanks(parts.flat(), nIn, nOut, this.#minRank)
      const names = adapterNames(path)
      feeds[names.a] = floats(a, [rank, nIn])
      feeds[names.b] = floats(b, [nOut, rank])
      if (!this.#hasLanes) continue
      feeds[names.mask] = oneForAll
      ranks.set(names.mask, parts.map(sumOfRanks))
    }
    return { feeds, ranks }
  }
}

type WeightedLoaded = LoadedAdapter & { readonly weight: number }

interface LaneStack {
  /** Of one lane, all that a run needs; of several, all but the masks. */
  readonly feeds: Record<string, Tensor>
  /** By the name of the mask, the rank of each lane. */
  readonly ranks: ReadonlyMap<string, readonly number[]>
}

/** The mask of a run with one lane. */
const oneForAll = floats(Float32Array.of(1), [1, 1])

function partsOf(adapters: readonly WeightedLoaded[], path: string): Matrices[] {
  return adapters.flatMap(({ modules, weight }) => {
    const part = modules.get(path)
    return part === undefined ? [] : weighted(part, weight)
  })
}

function sumOfRanks(parts: readonly Matrices[]): number {
  return parts.reduce((sum, part) => sum + part.rank, 0)
}

/** The change times a weight. */
function weighted(matrices: Matrices, weight: number): Matrices {
  if (weight === 1) return matrices
  return { ...matrices, b: matrices.b.map((value) => value * weight) }
}

/** Several adapters of one module are one of their summed rank: rows of A one below another, columns of B side by side. */
function stackRanks(
  parts: readonly Matrices[],
  nIn: number,
  nOut: number,
  minRank: number,
): Matrices {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const rank = Math.max(minRank, sumOfRanks(parts))
  const a = new Float32Array(rank * nIn)
  const b = new Float32Array(nOut * rank)
  let offset = 0
  for (const part of parts) {
    a.set(part.a, offset * nIn)
    for (let row = 0; row < nOut; row++)
      b.set(part.b.subarray(row * part.rank, (row + 1) * part.rank), row * rank + offset)
    offset += part.rank
  }
  return { rank, a, b }
}

function readAdapter({ modules }: AdapterSpec): LoadedAdapter {
  const loaded = new Map<string, Matrices>()
  let sizeBytes = 0
  let isUntrained = true
  const file = modules[0] === undefined ? undefined : openSync(modules[0].a.file, 'r')
  try {
    for (const module of modules) {
      const read = readModule(file as number, module)
      loaded.set(module.path, read)
      sizeBytes += read.a.byteLength + read.b.byteLength
      isUntrained &&= isZero(read.a) || isZero(read.b)
    }
  } finally {
    if (file !== undefined) closeSync(file)
  }
  return { modules: loaded, sizeBytes, isUntrained }
}

function readModule(file: number, { rank, scale, a, b }: AdapterModuleSpec): Matrices {
  const scaled = readFloats(file, b)
  for (let i = 0; i < scaled.length; i++) scaled[i] = (scaled[i] as number) * scale
  return { rank, a: readFloats(file, a), b: scaled }
}

function isZero(values: Float32Array): boolean {
  return values.every((value) => value === 0)
}
