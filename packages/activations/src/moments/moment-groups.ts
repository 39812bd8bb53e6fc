import { CemError, messageOf } from '@cem/core'
import { openSafetensors, type SafetensorsFile, writeSafetensors } from '@cem/tensor-files'
import { layerKey } from '../activation-set.ts'
import {
  type CovarianceKind,
  isEmptyRow,
  RunningMoments,
  type RunningMomentsOptions,
} from './running-moments.ts'

export interface MomentGroupsOptions extends RunningMomentsOptions {
  readonly layers: readonly number[]
}

/** Running means and covariances for every layer of every group (a variant, a role, a question). */
export class MomentGroups {
  readonly layers: readonly number[]
  readonly dModel: number
  readonly covariance: CovarianceKind
  readonly #groups = new Map<string, readonly RunningMoments[]>()

  constructor({ layers, dModel, covariance = 'full' }: MomentGroupsOptions) {
    this.layers = layers
    this.dModel = dModel
    this.covariance = covariance
  }

  /** In the order in which they came. */
  get groups(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /**
   * Takes the means of one response.
   *
   * @param means [layers.length, dModel], as extraction gives them; NaN throughout is an empty answer, which is counted apart
   * @throws CemError `activations-mismatch`, `not-finite`
   */
  add(group: string, means: Float32Array | Float64Array): void {
    const { layers, dModel } = this
    if (means.length !== layers.length * dModel)
      throw mismatch(
        `The means have ${means.length} numbers, and [${layers.length}, ${dModel}] are needed.`,
      )
    const rows = layers.map((_, i) => means.subarray(i * dModel, (i + 1) * dModel))
    // All layers or none: a damaged row must not enter half of them.
    for (const row of rows) isEmptyRow(row)
    for (const [i, moments] of this.#of(group).entries()) moments.add(rows[i] as Float32Array)
  }

  /** @throws CemError `activations-mismatch` where there is no such group or layer */
  get(group: string, layer: number): RunningMoments {
    const moments = this.#groups.get(group)?.[this.layers.indexOf(layer)]
    if (moments !== undefined) return moments
    throw mismatch(
      `There are no moments of group '${group}' at layer ${layer}. Groups: ${this.groups.slice(0, 20).join(', ')}; layers: ${this.layers.join(', ')}.`,
    )
  }

  /**
   * Takes the rows of others, group by group.
   *
   * @throws CemError `activations-mismatch` where layers, dModel or kind of covariance differ
   */
  merge(other: MomentGroups): void {
    if (other.layers.join() !== this.layers.join())
      throw mismatch(
        `Moments of layers ${other.layers.join(', ')} cannot be merged into ones of layers ${this.layers.join(', ')}.`,
      )
    for (const group of other.groups)
      for (const [i, moments] of this.#of(group).entries())
        moments.merge(other.get(group, this.layers[i] as number))
  }

  /**
   * Writes a safetensors file that `load` reads back to the bit: for group g and layer i, `g<g>.layer_<i>.origin`, `.mean` and
   * `.co_moment` in F64, where the mean is origin + mean and the covariance co_moment / (count - 1); names and counts are in
   * the file's metadata.
   *
   * @throws CemError `file-write-failed`
   */
  async save(path: string): Promise<void> {
    const groups: GroupRecord[] = []
    const tensors = []
    for (const [name, moments] of this.#groups) {
      const states = moments.map((one) => one.state())
      for (const [i, state] of states.entries()) {
        const key = `g${groups.length}.${layerKey(this.layers[i] as number)}`
        for (const [part, field] of parts) {
          const data = state[field]
          const shape = [data.length]
          tensors.push({ name: `${key}.${part}`, dtype: 'F64' as const, shape, data })
        }
      }
      const counts = states.map(({ count }) => count)
      groups.push({ name, counts, empty: states.map(({ nEmpty }) => nEmpty) })
    }
    const { layers, dModel, covariance } = this
    const description: Description = { layers, hidden_dim: dModel, covariance, groups }
    const metadata = { format, version: '1', moments: JSON.stringify(description) }
    await writeSafetensors(path, tensors, { metadata })
  }

  /** @throws CemError `moments-invalid` where the file is none of ours, and those of `openSafetensors` */
  static async load(path: string): Promise<MomentGroups> {
    await using file = await openSafetensors(path)
    const { layers, hidden_dim: dModel, covariance, groups } = readDescription(file)
    const loaded = new MomentGroups({ layers, dModel, covariance })
    for (const [g, { name, counts, empty }] of groups.entries()) {
      const moments: RunningMoments[] = []
      for (const [i, layer] of layers.entries()) {
        const key = `g${g}.${layerKey(layer)}`
        const state = {
          count: counts[i] ?? 0,
          nEmpty: empty[i] ?? 0,
          origin: await readFloat64(file, `${key}.origin`),
          mean: await readFloat64(file, `${key}.mean`),
          coMoment: await readFloat64(file, `${key}.co_moment`),
        }
        moments.push(RunningMoments.fromState({ dModel, covariance }, state))
      }
      loaded.#groups.set(name, moments)
    }
    return loaded
  }

  #of(group: string): readonly RunningMoments[] {
    const found = this.#groups.get(group)
    if (found !== undefined) return found
    const { dModel, covariance } = this
    const made = this.layers.map(() => new RunningMoments({ dModel, covariance }))
    this.#groups.set(group, made)
    return made
  }
}

const format = 'cem-moments'

const parts = [
  ['origin', 'origin'],
  ['mean', 'mean'],
  ['co_moment', 'coMoment'],
] as const

interface GroupRecord {
  readonly name: string
  /** By layer. */
  readonly counts: readonly number[]
  readonly empty: readonly number[]
}

interface Description {
  readonly layers: readonly number[]
  readonly hidden_dim: number
  readonly covariance: CovarianceKind
  readonly groups: readonly GroupRecord[]
}

function readDescription({ path, metadata }: SafetensorsFile): Description {
  if (metadata['format'] !== format || metadata['version'] !== '1')
    throw invalid(path, `its metadata does not say ${format}, version 1`)
  let value: Partial<Description>
  try {
    value = JSON.parse(metadata['moments'] ?? '') as Partial<Description>
  } catch (error) {
    throw invalid(path, `its metadata is not valid JSON (${messageOf(error)})`)
  }
  const { layers, hidden_dim: dModel, covariance, groups } = value ?? {}
  const isWhole =
    isCounts(layers) &&
    isCounts([dModel]) &&
    (covariance === 'full' || covariance === 'diagonal') &&
    Array.isArray(groups) &&
    groups.every(
      (group: GroupRecord | null) =>
        typeof group?.name === 'string' &&
        isCounts(group.counts) &&
        isCounts(group.empty) &&
        group.counts.length === layers.length &&
        group.empty.length === layers.length,
    )
  if (!isWhole) throw invalid(path, 'its metadata does not say which moments it holds')
  return value as Description
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0)
}

async function readFloat64(file: SafetensorsFile, name: string): Promise<Float64Array> {
  const tensor = await file.read(name)
  if (tensor.dtype === 'F64') return tensor.data
  throw invalid(file.path, `${name} is ${tensor.dtype}, not F64`)
}

function invalid(path: string, reason: string): CemError {
  return new CemError({
    code: 'moments-invalid',
    message: `${path} is no file of moments: ${reason}. Gather them again.`,
    data: { path },
  })
}

function mismatch(message: string): CemError {
  return new CemError({ code: 'activations-mismatch', message })
}
