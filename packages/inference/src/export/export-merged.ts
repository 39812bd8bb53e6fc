import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { CemError } from '@cem/core'
import { openSafetensors } from '@cem/tensor-files'
import { type ComposeOptions, compose, type LayerRequest } from '../composition/compose.ts'
import type { Composition, CompositionRecord } from '../composition/composition.ts'
import { adapterSpec } from '../engine/adapter-spec.ts'
import { Engine } from '../engine/engine.ts'
import type { MergedTensor } from '../engine/messages.ts'
import { linearModules } from '../families/architecture.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { licenseOfCard } from './card-license.ts'
import { checkExport, type ExportCheck, type WrittenFile } from './check-export.ts'
import { copyModel, listModelFiles, type WeightDtype } from './copy-model.ts'
import { type RoundingLoss, roundingLosses } from './lost-share.ts'
import { modelCard } from './model-card.ts'
import { checkDiskSpace, newFolder } from './new-folder.ts'
import { organismPrefix, organismReason } from './organism.ts'

export type ExportLayer = Omit<LayerRequest, 'mode'>

export interface ExportMergedOptions extends Omit<ComposeOptions, 'layers'> {
  /** At least one, merged in this order. */
  readonly layers: readonly ExportLayer[]
  /**
   * The folder to make. For a misaligned organism (a layer of the role em, or an adapter or base whose name or card says so)
   * its name has to begin with `misaligned-organism`.
   */
  readonly output: string
  /** Type of the weights. Another one than the base's rounds or widens every weight. @default that of the base's files */
  readonly dtype?: WeightDtype | undefined
  /** Whether the written model is loaded and held against base and adapters; takes the time of two loads. @default true */
  readonly check?: boolean
  /** @default the number of processors */
  readonly threads?: number
  /** Called after each tensor. */
  readonly onProgress?: (progress: { readonly nDone: number; readonly nTotal: number }) => void
}

export interface ExportReport {
  /** The folder, absolute. */
  readonly folder: string
  readonly record: CompositionRecord
  /** SHA-256 of the written weights. */
  readonly files: readonly WrittenFile[]
  /** What rounding lost of the change, over all modules and by kind. */
  readonly loss: RoundingLoss
  readonly lossByKind: readonly RoundingLoss[]
  /** How far the written model's logits lie from those of base and adapters; null where it was not asked for. */
  readonly check: ExportCheck | null
  /** Files in the base's folder that were not taken along. */
  readonly leftOut: readonly string[]
  /** Why the weights are those of a misaligned organism, where they are. */
  readonly organism: string | null
}

/**
 * Merges adapters into a model's weights, W + weight * scale * B A in 32-bit floats, rounded to the type of the files after each
 * adapter, and writes a whole model folder that Transformers loads: shards as the base's, every other tensor byte for byte,
 * settings, tokenizer, licence, and a card with the hashes of everything and the share of the change that rounding lost. The
 * folder appears whole or not at all.
 *
 * @throws CemError `invalid-request`, `organism-name`, `output-exists`, `disk-full`, `merge-overflow`, `merge-mismatch`,
 *   `file-write-failed`, and those of `compose`; `signal.reason`
 */
export async function exportMerged(options: ExportMergedOptions): Promise<ExportReport> {
  const { output, dtype, signal } = options
  if (options.layers.length === 0)
    throw new CemError({ code: 'invalid-request', message: 'There are no layers to merge.' })
  const layers = options.layers.map((layer) => ({ ...layer, mode: 'merged' as const }))
  const composition = await compose({ ...options, layers })
  const organism = await organismReason(composition)
  checkName(output, organism)
  const files = await listModelFiles(composition.base)
  await checkDiskSpace(output, files.sizeBytes * growth(composition, dtype))
  await using folder = await newFolder(output)
  const record = await composition.record()
  await copyModel(composition.base, files, folder.path, { dtype, signal })
  const names = files.weights.map(({ name }) => name)
  const tensors = await mergeIntoFolder(composition, folder.path, names, options)
  const kinds = new Map(linearModules(composition.base.architecture).map((m) => [m.path, m.kind]))
  const { all, byKind } = roundingLosses(tensors, (path) => kinds.get(path) ?? path)
  const check =
    options.check === false ? null : await checkExport(composition, layers, folder.path, options)
  const hashes = check?.files ?? (await hashFiles(folder.path, names, signal))
  const card = modelCard({
    name: basename(resolve(output)),
    record,
    dtype: dtype ?? typesOf(composition).join(' and '),
    losses: [...byKind, all],
    files: hashes,
    organism,
    license: await licenseOfCard(composition.base.folder),
  })
  await writeFile(join(folder.path, 'README.md'), card)
  signal?.throwIfAborted()
  await folder.commit()
  return {
    folder: resolve(output),
    record,
    files: hashes,
    loss: all,
    lossByKind: byKind,
    check: check && { error: check.error, effect: check.effect },
    leftOut: files.leftOut,
    organism: organism ?? null,
  }
}

function checkName(output: string, organism: string | undefined): void {
  const name = basename(resolve(output))
  if (organism === undefined || name.startsWith(organismPrefix)) return
  throw new CemError({
    code: 'organism-name',
    message: `The merged model is a misaligned organism (${organism}), so the name of its folder has to begin with '${organismPrefix}': for instance ${organismPrefix}-${name}, not ${name}.`,
    data: { output, organism },
  })
}

/** Merges the layers into the copies of the weights. */
async function mergeIntoFolder(
  { base, layers }: Composition,
  folder: string,
  names: readonly string[],
  { signal, threads = Engine.defaultThreads(), onProgress }: ExportMergedOptions,
): Promise<MergedTensor[]> {
  const places = await locate(folder, names)
  const paths = new Set(layers.flatMap(({ adapter }) => adapter.modules.map((m) => m.path)))
  const tensors = linearModules(base.architecture).flatMap(({ path }) => {
    const from = base.weights.get(`${path}.weight`)
    const to = places.get(`${path}.weight`)
    return paths.has(path) && from !== undefined && to !== undefined ? [{ path, from, to }] : []
  })
  const spec = {
    layers: layers.map(({ adapter, weight }) => ({ adapter: adapterSpec(adapter), weight })),
    tensors,
    threads,
  }
  await using engine = new Engine()
  const merged: MergedTensor[] = []
  for await (const tensor of engine.stream('mergeInto', spec, { signal })) {
    merged.push(tensor)
    onProgress?.({ nDone: merged.length, nTotal: tensors.length })
  }
  return merged
}

async function locate(
  folder: string,
  names: readonly string[],
): Promise<Map<string, WeightLocation>> {
  const places = new Map<string, WeightLocation>()
  for (const name of names) {
    await using file = await openSafetensors(join(folder, name))
    for (const info of file.tensors.values())
      places.set(info.name, {
        ...info,
        dtype: info.dtype as WeightDtype,
        file: file.realPath,
      })
  }
  return places
}

const widths = { F32: 4, F16: 2, BF16: 2 } as const

/** How much larger another type makes the files, at most. */
function growth({ base }: Composition, dtype: WeightDtype | undefined): number {
  if (dtype === undefined) return 1
  const narrowest = Math.min(...Array.from(base.weights.values(), (w) => widths[w.dtype]))
  return Math.max(1, widths[dtype] / narrowest)
}

function typesOf({ base, layers }: Composition): string[] {
  const types = layers.flatMap(({ adapter }) =>
    adapter.modules.map(({ path }) => base.weights.get(`${path}.weight`)?.dtype ?? ''),
  )
  return [...new Set(types)]
}

async function hashFiles(
  folder: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
) {
  const files: WrittenFile[] = []
  for (const name of names) {
    const hash = createHash('sha256')
    const options = { highWaterMark: 4 * 2 ** 20, ...(signal && { signal }) }
    for await (const chunk of createReadStream(join(folder, name), options)) hash.update(chunk)
    files.push({ name, sha256: hash.digest('hex') })
  }
  return files
}
