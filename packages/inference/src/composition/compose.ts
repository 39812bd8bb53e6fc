import { basename, join } from 'node:path'
import { CemError } from '@cem/core'
import { type Adapter, openAdapter } from '../adapters/open-adapter.ts'
import { type FileIdentity, identifyFile } from '../model/file-identity.ts'
import { type ModelFolder, openModelFolder } from '../model/model-folder.ts'
import type { ResolveModelOptions } from '../model/resolve-model.ts'
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
  /** SHA-256 of the base's files by name, where the training left a record: it settles what the adapter was trained on. */
  readonly baseSha256?: Readonly<Record<string, string>>
}

export interface ComposeOptions extends ResolveModelOptions {
  /** A model folder or hub id. */
  readonly base: string
  /** In the order in which they were trained. @default none */
  readonly layers?: readonly LayerRequest[]
  /** Other names of the base that adapters may carry: a mirror's, a path on the training cluster. @default none */
  readonly baseAliases?: readonly string[]
  /** Where hashes and merged weights are kept. @default the user's cache folder */
  readonly cache?: string
  readonly signal?: AbortSignal
}

/**
 * The one constructor of compositions: opens the base and the adapters at explicit paths, checks that they fit each other,
 * and that each adapter names this base (PEFT stores no hash of it): by a recorded hash, by a name that the base is known
 * by, or by `baseAliases`. An adapter that names no base is kept as `unverified`.
 *
 * @throws CemError `adapter-base-mismatch`, `composition-invalid`, and those of `openModelFolder` and `openAdapter`
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const base = await openModelFolder(options.base, options)
  const tokenizer = await openTokenizer(base.folder)
  if (tokenizer.nTokens > base.architecture.vocabSize)
    throw new CemError({
      code: 'composition-invalid',
      message: `${base.folder}: the tokenizer has ${tokenizer.nTokens} tokens, but the model only ${base.architecture.vocabSize}. They do not belong together.`,
      data: { folder: base.folder },
    })
  return recompose(base, tokenizer, options)
}

/** Another set of layers on a base that is open. */
export async function recompose(
  base: ModelFolder,
  tokenizer: ChatTokenizer,
  { layers = [], baseAliases = [], cache, signal }: Omit<ComposeOptions, 'base'>,
): Promise<Composition> {
  const options = {
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
  }
  const identities = lazy(() => identifyBase(base, options))
  const opened: CompositionLayer[] = []
  for (const { role, mode, adapter: path, baseSha256 } of layers) {
    const adapter = await openAdapter(path, base.architecture, options)
    const recorded =
      baseSha256 === undefined ? undefined : await matchesRecord(base, identities, baseSha256)
    const baseCheck = checkBase(adapter, base, baseAliases, recorded)
    opened.push({ role, mode, adapter, baseCheck })
  }
  checkOrder(opened)
  const names = base.weightFiles.map((file) => fileName(base, file))
  const record = lazy(async () =>
    compositionRecord(base, await identities(), names, tokenizer, opened),
  )
  return { base, tokenizer, layers: opened, record }
}

async function identifyBase(
  base: ModelFolder,
  options: { readonly cache?: string; readonly signal?: AbortSignal },
): Promise<FileIdentity[]> {
  const files: FileIdentity[] = []
  for (const file of base.weightFiles) {
    const tensors = [...base.weights]
      .filter(([, location]) => location.file === file)
      .map(([name, location]) => ({ ...location, name }))
    files.push(await identifyFile(file, { tensors, ...options }))
  }
  return files
}

async function matchesRecord(
  base: ModelFolder,
  identities: () => Promise<FileIdentity[]>,
  recorded: Readonly<Record<string, string>>,
): Promise<boolean> {
  const found = (await identities()).map((f) => f.sha256)
  const wanted = Object.entries(recorded).filter(([name]) => name.endsWith('.safetensors'))
  return (
    wanted.length === base.weightFiles.length &&
    wanted.every(([, sha256]) => found.includes(sha256))
  )
}

function checkBase(
  adapter: Adapter,
  base: ModelFolder,
  aliases: readonly string[],
  recorded: boolean | undefined,
): BaseCheck {
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
  if (aliases.includes(baseName)) return 'alias'
  throw mismatch(
    adapter,
    base,
    `it was trained on '${baseName}', and the base is '${base.name}' (known as ${base.knownNames.map((n) => `'${n}'`).join(', ')}). If they are the same model, list that name in baseAliases`,
  )
}

function mismatch(adapter: Adapter, base: ModelFolder, reason: string): CemError {
  return new CemError({
    code: 'adapter-base-mismatch',
    message: `The adapter ${adapter.path} does not belong to this base: ${reason}.`,
    data: { adapter: adapter.path, adapterBase: adapter.baseName, base: base.name },
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
