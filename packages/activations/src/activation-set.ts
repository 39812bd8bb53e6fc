import { readFile } from 'node:fs/promises'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import { createNpzWriter, type NpzFile, openNpz } from '@cem/tensor-files'
import type { ActivationScratch, ActivationShape } from './activation-scratch.ts'

/** The `.json` beside an activation set: the Python pipeline's keys, and what it did not record. */
export interface ActivationMetadata {
  readonly num_responses: number
  readonly layers: readonly number[]
  readonly hidden_dim: number
  /** The eval CSV whose rows these are, in order. */
  readonly csv_path: string
  readonly output_path: string
  /** Some rows are still missing. */
  readonly partial: boolean
  /** Rows of NaN: empty answers. */
  readonly empty_responses: number
  readonly span: 'content' | 'turn'
  /** Hash of the composition that computed them. */
  readonly composition_sha256: string | null
  /** What it was computed in. @default 'f32' */
  readonly precision?: 'f32' | 'int8'
}

/** `layer_<i>`, the key of a layer's array in the npz file. */
export function layerKey(layer: number): string {
  return `layer_${layer}`
}

/**
 * Writes an activation set: `<name>.npz` with `layer_<i>` float32 [nResponses, dModel], and `<name>.json`, streamed from the
 * scratch file. The metadata is written last, so a set without it is not whole.
 *
 * @param path of the npz file
 * @throws CemError `file-write-failed`
 */
export async function writeActivationSet(
  path: string,
  scratch: ActivationScratch,
  metadata: Omit<ActivationMetadata, 'num_responses' | 'layers' | 'hidden_dim' | 'output_path'>,
): Promise<void> {
  const { nRows, layers, dModel } = scratch.shape
  await using writer = await createNpzWriter(path)
  for (const layer of layers)
    await writer.addStream(
      layerKey(layer),
      { dtype: 'F32', shape: [nRows, dModel] },
      scratch.readLayer(layer),
    )
  await writer.commit()
  const complete: ActivationMetadata = {
    num_responses: nRows,
    layers,
    hidden_dim: dModel,
    output_path: path,
    ...metadata,
  }
  await writeFileAtomic(metadataPath(path), `${JSON.stringify(complete, null, 2)}\n`)
}

/** An activation set that is open for reading; layers are read when asked for. */
export interface ActivationSet extends AsyncDisposable {
  readonly path: string
  readonly shape: ActivationShape
  /** Undefined where there is no `.json` beside the npz file. */
  readonly metadata: Partial<ActivationMetadata> | undefined
  /** [nRows, dModel] row-major; rows of NaN are empty answers. */
  readLayer(layer: number): Promise<Float32Array>
}

/**
 * Opens an activation set, ours or the Python pipeline's.
 *
 * @throws CemError `activations-mismatch` where the arrays do not fit each other, and those of `openNpz`
 */
export async function openActivationSet(path: string): Promise<ActivationSet> {
  const npz = await openNpz(path)
  try {
    const shape = await readShape(npz, path)
    return {
      path,
      shape,
      metadata: await readMetadata(path),
      readLayer: async (layer) => {
        if (!shape.layers.includes(layer)) throw noLayer(path, layer, shape.layers)
        return (await npz.readFloat32(layerKey(layer))).data
      },
      [Symbol.asyncDispose]: () => npz[Symbol.asyncDispose](),
    }
  } catch (error) {
    await npz[Symbol.asyncDispose]()
    throw error
  }
}

async function readShape(npz: NpzFile, path: string): Promise<ActivationShape> {
  const layers = [...npz.entries.keys()]
    .flatMap((name) => /^layer_(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
  const [first] = layers
  if (first === undefined)
    throw mismatch(
      path,
      `it holds no array named layer_<i> (${[...npz.entries.keys()].slice(0, 5).join(', ')})`,
    )
  const [nRows = 0, dModel = 0, ...more] = (await npz.describe(layerKey(first))).shape
  if (more.length > 0 || dModel === 0)
    throw mismatch(path, `${layerKey(first)} is not [responses, dModel]`)
  for (const layer of layers) {
    const { shape } = await npz.describe(layerKey(layer))
    if (shape.join() !== `${nRows},${dModel}`)
      throw mismatch(
        path,
        `${layerKey(layer)} has shape [${shape.join()}] and ${layerKey(first)} has [${nRows},${dModel}]`,
      )
  }
  return { nRows, layers, dModel }
}

async function readMetadata(path: string): Promise<Partial<ActivationMetadata> | undefined> {
  const file = metadataPath(path)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text) as Partial<ActivationMetadata>
  } catch (error) {
    throw mismatch(path, `${file} is not valid JSON (${messageOf(error)})`)
  }
}

function metadataPath(npzPath: string): string {
  return `${npzPath.replace(/\.npz$/, '')}.json`
}

function noLayer(path: string, layer: number, layers: readonly number[]): CemError {
  return new CemError({
    code: 'activations-mismatch',
    message: `${path} has no layer ${layer}; it has ${layers.join(', ')}.`,
    data: { path, layer, layers },
  })
}

function mismatch(path: string, reason: string): CemError {
  return new CemError({
    code: 'activations-mismatch',
    message: `${path} is no activation set: ${reason}.`,
    data: { path },
  })
}
