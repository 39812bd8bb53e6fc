import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { type AdapterEffect, type DoseMeasurement, findDose } from '@cem/direction'
import {
  type Device,
  type LayerRequest,
  loadModel,
  type Precision,
  type ProviderRequest,
} from '@cem/inference'
import {
  type ControlMatch,
  type ControlRecord,
  controlFile,
  readControlRecord,
} from './control-record.ts'
import { EffectProbe, type NeutralPrompt } from './measure-effect.ts'
import { writeRandomAdapter } from './random-adapter.ts'

export interface MakeControlAdapterOptions {
  /** Model folder or hub id of the base that the effects are measured on. */
  readonly base: string
  /** Folder of the PEFT LoRA adapter that the random one is to be like. */
  readonly like: string
  /** Folder that it is written to; where a control lies there already, that one is kept. */
  readonly output: string
  /** Prompts that say nothing of what adapters were trained for. */
  readonly prompts: readonly NeutralPrompt[]
  /** @default 0 */
  readonly seed?: number
  /** @default 'kl' */
  readonly match?: ControlMatch
  /** How near to the other adapter's effect, as a share of it. @default 0.05 */
  readonly tolerance?: number
  /** Other names of the base that the adapter may carry. @default none */
  readonly baseAliases?: readonly string[]
  /** SHA-256 of the base's files by name, where a training left a record: it settles what the adapter was trained on. */
  readonly baseSha256?: Readonly<Record<string, string>>
  readonly precision?: Precision | undefined
  readonly provider?: ProviderRequest | Device | undefined
  readonly threads?: number | undefined
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a random adapter that is a control for another one, and measures on neutral prompts what both do to the base: singular
 * values times a dose that gives the same KL from the base (or the same displacement of hidden states), or the singular values or
 * norms alone. The folder appears whole, with `control.json` beside the adapter; of two processes that make it at once, one's is kept.
 *
 * @throws CemError `control-without-effect` where the other adapter changes nothing, or there are no prompts; those of
 *   `writeRandomAdapter`, `loadModel` and `findDose`; `signal.reason`
 */
export async function makeControlAdapter(
  options: MakeControlAdapterOptions,
): Promise<ControlRecord> {
  const { like, output, match = 'kl', seed = 0, tolerance = 0.05, prompts, signal } = options
  const existing = await readControlRecord(output)
  if (existing !== undefined) return existing
  if (prompts.length === 0)
    throw withoutEffect(like, 'there are no neutral prompts to measure it on')
  await mkdir(dirname(output), { recursive: true })
  const folder = join(
    dirname(output),
    `.${basename(output)}-${process.pid}-${randomBytes(4).toString('hex')}`,
  )
  try {
    await using model = await loadModel(loadOptions(options))
    const composition = await model.switchTo([layer('persona', like, options)], signal)
    const probe = await EffectProbe.open({ model, prompts, signal })
    const target = await probe.measure([layer('persona', like, options)])
    if (target.kl === 0 || target.displacement === 0)
      throw withoutEffect(like, 'it changes nothing on neutral prompts')
    const likeness = match === 'norm' ? 'norm' : 'spectrum'
    const write = (dose: number) =>
      writeRandomAdapter({ like, output: folder, seed, likeness, dose })
    await write(1)
    const measure = (weight: number) =>
      effectOf(probe, { ...layer('control', folder, options), weight })
    const search = await searchDose({ match, measure, target, tolerance, signal })
    if (search.dose !== 1) await write(search.dose)
    // What counts is the file, with its numbers rounded to its type.
    const effect = await effectOf(probe, layer('control', folder, options))
    const ratios = {
      kl: effect.kl / target.kl,
      displacement: effect.displacement / target.displacement,
    }
    const [used] = composition.layers
    const record: ControlRecord = {
      formatVersion: 1,
      seed,
      match,
      tolerance,
      like: {
        sha256: used?.adapter.sha256 ?? '',
        configSha256: used?.adapter.configSha256 ?? '',
      },
      base: (await model.switchTo([], signal).then((base) => base.record())).sha256,
      dose: search.dose,
      target,
      effect,
      ratios,
      isMatched:
        match === 'kl' || match === 'displacement'
          ? Math.abs(ratios[match] - 1) <= tolerance
          : null,
      prompts: { nPrompts: probe.nPrompts, nPositions: probe.nPositions },
      measurements: search.measurements,
    }
    await writeFileAtomic(join(folder, controlFile), `${JSON.stringify(record, null, 2)}\n`)
    return await publish(folder, output, record)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function loadOptions(options: MakeControlAdapterOptions): Parameters<typeof loadModel>[0] {
  const { base, baseAliases = [], precision, provider, threads, cache, signal } = options
  return {
    base,
    baseAliases,
    precision,
    provider,
    ...(threads === undefined ? {} : { threads }),
    cache,
    signal,
  }
}

function layer(
  role: 'persona' | 'control',
  adapter: string,
  { baseSha256 }: Pick<MakeControlAdapterOptions, 'baseSha256'>,
): LayerRequest {
  return { role, mode: 'stacked', adapter, ...(baseSha256 === undefined ? {} : { baseSha256 }) }
}

/** An adapter whose effect is below rounding is refused by the self-test: to the search that is no effect. */
async function effectOf(probe: EffectProbe, request: LayerRequest): Promise<AdapterEffect> {
  try {
    return await probe.measure([request])
  } catch (error) {
    if (CemError.isInstance(error) && error.code === 'layer-inactive')
      return { kl: 0, displacement: 0 }
    throw error
  }
}

interface DoseSearch {
  readonly match: ControlMatch
  readonly measure: (dose: number) => Promise<AdapterEffect>
  readonly target: AdapterEffect
  readonly tolerance: number
  readonly signal: AbortSignal | undefined
}

async function searchDose({
  match,
  ...options
}: DoseSearch): Promise<{ dose: number; measurements: readonly DoseMeasurement[] }> {
  if (match === 'norm' || match === 'spectrum') return { dose: 1, measurements: [] }
  const { signal, ...rest } = options
  // Half of the tolerance is left for the rounding of the written file.
  const tolerance = rest.tolerance / 2
  const found = await findDose({
    ...rest,
    tolerance,
    match,
    ...(signal === undefined ? {} : { signal }),
  })
  return {
    dose: typeof found.dose === 'number' ? found.dose : 1,
    measurements: found.measurements,
  }
}

/** The first whole folder stays. */
async function publish(
  folder: string,
  output: string,
  record: ControlRecord,
): Promise<ControlRecord> {
  try {
    await rename(folder, output)
    return record
  } catch (error) {
    const existing = await readControlRecord(output)
    if (existing === undefined) throw error
    return existing
  }
}

function withoutEffect(like: string, reason: string): CemError {
  return new CemError({
    code: 'control-without-effect',
    message: `No random adapter can be matched to ${like}: ${reason}.`,
    data: { like },
  })
}
