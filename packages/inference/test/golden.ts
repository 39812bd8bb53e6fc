import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSafetensors } from '@cem/tensor-files'

/** Tiny models with what Transformers and PEFT compute for them; see fixtures/README.md. */
export const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url))

export interface GoldenLayer {
  readonly adapter: string
  readonly mode: 'stacked' | 'merged'
}

export interface GoldenModel {
  readonly name: string
  readonly repository: string
  readonly folder: string
  /** `model_type` of config.json; qwen2 where it is not given. */
  readonly family?: string
  readonly nLayers: number
  /** Tokens of the greedy continuations, where it is not the manifest's number. */
  readonly greedyLength?: number
  readonly golden: string
  readonly tokenizerCases: string | null
  readonly chatCases: string | null
  readonly adapters: readonly {
    readonly name: string
    readonly folder: string
    readonly golden: string
  }[]
  readonly compositions: readonly {
    readonly name: string
    readonly layers: readonly GoldenLayer[]
    readonly golden: string
    readonly mergedTensorSha256?: Readonly<Record<string, string>>
  }[]
}

export interface HostileAdapter {
  readonly name: string
  readonly model: string
  readonly folder: string
  readonly valid: boolean
  readonly wrong: string
}

export const manifest = JSON.parse(readFileSync(join(fixtures, 'manifest.json'), 'utf8')) as {
  readonly greedyLength: number
  /** Qwen2 models with whole sequences of adapters and texts. */
  readonly models: readonly GoldenModel[]
  /** Models of every family, with settings that change the computation. */
  readonly families: readonly GoldenModel[]
  readonly hostile: readonly HostileAdapter[]
  readonly prompts: Readonly<Record<string, number>>
}

export function modelNamed(name: string): GoldenModel {
  const model = [...manifest.models, ...manifest.families].find((m) => m.name === name)
  if (model === undefined) throw new Error(`no fixture ${name}`)
  return model
}

/** Layers of a composition as `loadModel` takes them. */
export function layerRequests(model: GoldenModel, layers: readonly GoldenLayer[]) {
  return layers.map(({ adapter, mode }) => {
    const found = model.adapters.find((a) => a.name === adapter)
    if (found === undefined) throw new Error(`no fixture adapter ${adapter}`)
    return { role: 'em' as const, mode, adapter: join(fixtures, found.folder) }
  })
}

export interface GoldenPrompt {
  readonly name: string
  readonly ids: readonly number[]
  readonly positions: readonly number[]
  /** [positions, vocabSize] */
  readonly logits: Float32Array
  /** For each layer, [positions, dModel]. */
  readonly layers: readonly Float32Array[]
  readonly tokenLogprobs: Float32Array
  readonly greedyIds: readonly number[]
  readonly greedyMargins: Float32Array
  /** [nLayers, dModel] */
  readonly greedyMeans: Float32Array | undefined
}

export async function readGolden(model: GoldenModel, file: string): Promise<GoldenPrompt[]> {
  await using golden = await openSafetensors(join(fixtures, file))
  const prompts: GoldenPrompt[] = []
  const has = (name: string) => golden.tensors.has(name)
  const floats = async (name: string) => (await golden.readFloat32(name)).data
  const integers = async (name: string) =>
    Array.from((await golden.read(name)).data as BigInt64Array, Number)
  for (const name of Object.keys(manifest.prompts)) {
    if (!has(`${name}.ids`)) continue
    const positions = has(`${name}.positions`) ? await integers(`${name}.positions`) : []
    prompts.push({
      name,
      ids: await integers(`${name}.ids`),
      positions,
      logits: positions.length > 0 ? await floats(`${name}.logits`) : new Float32Array(),
      layers:
        positions.length > 0
          ? await Promise.all(
              Array.from({ length: model.nLayers }, (_, i) => floats(`${name}.layer_${i}`)),
            )
          : [],
      tokenLogprobs: await floats(`${name}.token_logprobs`),
      greedyIds: await integers(`${name}.greedy_ids`),
      greedyMargins: await floats(`${name}.greedy_margins`),
      greedyMeans: has(`${name}.greedy_means`) ? await floats(`${name}.greedy_means`) : undefined,
    })
  }
  return prompts
}

/** max |a - b| / max |b|, and Infinity where the lengths differ. */
export function drift(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  let difference = 0
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number]
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.POSITIVE_INFINITY
    largest = Math.max(largest, Math.abs(y))
    difference = Math.max(difference, Math.abs(x - y))
  }
  return largest === 0 ? difference : difference / largest
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'cem-inference-'))
}
