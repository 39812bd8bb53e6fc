import { basename, join } from 'node:path'
import { CemError } from '@cem/core'
import { type Adapter, openAdapter } from '../adapters/open-adapter.ts'
import { type FileIdentity, identifyFile } from '../model/file-identity.ts'
import { type ModelFolder, openModelFolder } from '../model/model-folder.ts'
import type { ResolveModelOptions } from '../model/resolve-model.ts'
import { type Precision, precisions } from '../precision/precision.ts'
import { type ChatTokenizer, openTokenizer } from '../text/tokenizer.ts'
import {
  type BaseCheck,
  type Composition,
  type CompositionLayer,
  compositionRecord,
  type LayerMode,
  type LayerRole,
} from './composition.ts'

export interface LayerRequest {
  readonly role: LayerRole
  /** Folder of a PEFT adapter. */
  readonly adapter: string
  readonly mode: LayerMode
  /** What the adapter's change is multiplied by: finite and not 0; below 0 it is taken away. @default 1 */
  readonly weight?: number | undefined
  /** SHA-256 of the base's files by name, where the training left a record: it settles what the adapter was trained on. */
  readonly baseSha256?: Readonly<Record<string, string>>
  /** SHA-256 of the adapter's weight file, where a record says which adapter it has to be. */
  readonly adapterSha256?: string
}

/** A model folder that is open: its tokenizer, and the identity of its weights, found once. */
export interface Base extends ModelFolder {
  readonly tokenizer: ChatTokenizer
  /** Other names that adapters may know it by. */
  readonly aliases: readonly string[]
  /** Hashes the weights and looks for numbers that are not finite; starts with the first call. */
  readonly identify: () => Promise<readonly FileIdentity[]>
}

export interface OpenBaseOptions extends ResolveModelOptions {
  /** Where hashes and merged weights are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Other names of the base that adapters may carry: a mirror's, a path on the training cluster. @default none */
  readonly baseAliases?: readonly string[]
  /** Awaited when the model's folder is open and before its tokenizer is read, which takes long. @default nothing */
  readonly onFolder?: ((folder: ModelFolder) => Promise<void>) | undefined
}

export interface ComposeOptions extends OpenBaseOptions {
  /** A model folder or hub id, or one that is open (then `baseAliases` is what it was opened with). */
  readonly base: string | Base
  /** In the order in which they were trained. @default none */
  readonly layers?: readonly LayerRequest[]
  /**
   * `int8` rounds the weights of the linear layers and the output head to 8 bits, and their inputs too. Results differ from
   * `f32`, and are recorded as such; `measureDrift` says by how much. @default 'f32'
   */
  readonly precision?: Precision | undefined
}

/**
 * Opens a base, so that several compositions can be made on it.
 *
 * @throws CemError `composition-invalid` where tokenizer and model do not belong together, and those of `openModelFolder`
 */
export async function openBase(reference: string, options: OpenBaseOptions = {}): Promise<Base> {
  const folder = await openModelFolder(reference, options)
  await options.onFolder?.(folder)
  const tokenizer = await openTokenizer(folder.folder)
  // A special token beyond the matrix is refused where a prompt holds it, and never sampled.
  if (tokenizer.nTokensOfText > folder.architecture.vocabSize)
    throw new CemError({
      code: 'composition-invalid',
      message: `${folder.folder}: the tokenizer has ${tokenizer.nTokensOfText} tokens, but the model only ${folder.architecture.vocabSize}. They do not belong together.`,
      data: { folder: folder.folder },
    })
  const aliases = options.baseAliases ?? []
  return { ...folder, tokenizer, aliases, identify: lazy(() => identifyWeights(folder, options)) }
}

/**
 * The one constructor of compositions: opens the base and the adapters at explicit paths, checks that they fit each other,
 * and that each adapter names this base (PEFT stores no hash of it): by a recorded hash, by a name that the base is known
 * by, or by `baseAliases`. An adapter that names no base is kept as `unverified`.
 *
 * @throws CemError `adapter-base-mismatch`, `adapter-hash-mismatch`, `composition-invalid`, and those of `openBase` and `openAdapter`
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { layers = [], precision = 'f32' } = options
  checkPrecision(precision)
  const base =
    typeof options.base === 'string' ? await openBase(options.base, options) : options.base
  const opened: CompositionLayer[] = []
  for (const { role, mode, adapter: path, weight = 1, baseSha256, adapterSha256 } of layers) {
    checkWeight(weight, path)
    const adapter = await openAdapter(path, base.architecture, options)
    if (adapterSha256 !== undefined && adapterSha256 !== adapter.sha256) throw otherAdapter(adapter)
    const recorded = baseSha256 === undefined ? undefined : await matchesRecord(base, baseSha256)
    const baseCheck = checkBase(adapter, base, recorded)
    opened.push({ role, mode, adapter, weight, baseCheck })
  }
  checkOrder(opened)
  return composition(base, opened, precision)
}

/** The same base and adapters, computed in another precision. */
export function withPrecision({ base, layers }: Composition, precision: Precision): Composition {
  checkPrecision(precision)
  return composition(base, layers, precision)
}

function composition(
  base: Base,
  layers: readonly CompositionLayer[],
  precision: Precision,
): Composition {
  const names = base.weightFiles.map((file) => fileName(base, file))
  const record = lazy(async () =>
    compositionRecord(base, await base.identify(), names, layers, precision),
  )
  return { base, layers, precision, record }
}

function checkPrecision(precision: string): void {
  if (precisions.some((known) => known === precision)) return
  throw new CemError({
    code: 'composition-invalid',
    message: `The precision is '${precision}'; it must be one of ${precisions.join(', ')}.`,
    data: { precision },
  })
}

async function identifyWeights(
  { weights, weightFiles }: ModelFolder,
  { cache, signal }: OpenBaseOptions,
): Promise<FileIdentity[]> {
  const files: FileIdentity[] = []
  for (const file of weightFiles) {
    const tensors = [...weights]
      .filter(([, location]) => location.file === file)
      .map(([name, location]) => ({ ...location, name }))
    files.push(await identifyFile(file, { tensors, cache, signal }))
  }
  return files
}

async function matchesRecord(
  base: Base,
  recorded: Readonly<Record<string, string>>,
): Promise<boolean> {
  const found = (await base.identify()).map((f) => f.sha256)
  const wanted = Object.entries(recorded).filter(([name]) => name.endsWith('.safetensors'))
  return (
    wanted.length === base.weightFiles.length &&
    wanted.every(([, sha256]) => found.includes(sha256))
  )
}

function checkBase(adapter: Adapter, base: Base, recorded: boolean | undefined): BaseCheck {
  if (recorded === true) return 'hash'
  const { baseName } = adapter
  if (recorded === false)
    throw mismatch(
      adapter,
      base,
      'the record beside it has other hashes of the base than the files that are loaded have',
    )
  if (baseName === undefined || baseName === '') return 'unverified'
  if (base.knownNames.includes(baseName)) return 'name'
  if (base.aliases.includes(baseName)) return 'alias'
  throw mismatch(
    adapter,
    base,
    `it was trained on '${baseName}', and the base is '${base.name}' (known as ${base.knownNames.map((n) => `'${n}'`).join(', ')}). If they are the same model, list that name in baseAliases (on the command line, --base-alias)`,
  )
}

function mismatch(adapter: Adapter, base: ModelFolder, reason: string): CemError {
  return new CemError({
    code: 'adapter-base-mismatch',
    message: `The adapter ${adapter.path} does not belong to this base: ${reason}.`,
    data: { adapter: adapter.path, adapterBase: adapter.baseName, base: base.name },
  })
}

/** A weight of 0 would be a layer that is called active and does nothing. */
function checkWeight(weight: number, adapter: string): void {
  if (Number.isFinite(weight) && weight !== 0) return
  const reason = weight === 0 ? "a layer without effect has the mode 'off'" : 'it must be finite'
  throw new CemError({
    code: 'composition-invalid',
    message: `The weight of the layer ${adapter} is ${weight}: ${reason}.`,
    data: { adapter, weight: String(weight) },
  })
}

function otherAdapter({ path }: Adapter): CemError {
  return new CemError({
    code: 'adapter-hash-mismatch',
    message: `The adapter in ${path} is not the one that the training was done with: the record beside the checkpoint has another SHA-256 of its weights. Put the adapter of that training there.`,
    data: { adapter: path },
  })
}

/** Merged layers change the weights that stacked ones are added to, so they come first. */
function checkOrder(layers: readonly CompositionLayer[]): void {
  const active = layers.filter((layer) => layer.mode !== 'off')
  const firstStacked = active.findIndex((layer) => layer.mode === 'stacked')
  const late = active.findIndex(
    (layer, i) => layer.mode === 'merged' && firstStacked !== -1 && i > firstStacked,
  )
  if (late === -1) return
  throw new CemError({
    code: 'composition-invalid',
    message: `The layer ${active[late]?.adapter.path} is merged after a stacked one. Merged layers must come first.`,
    data: { modes: active.map((layer) => layer.mode) },
  })
}

/** A file's name inside the model folder; in a hub cache the real path is a blob without a name. */
function fileName(base: ModelFolder, realPath: string): string {
  if (realPath.startsWith(join(base.folder, '/'))) return realPath.slice(base.folder.length + 1)
  return basename(realPath)
}

function lazy<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work()
    return result
  }
}
