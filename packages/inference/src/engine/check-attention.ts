import { CemError } from '@cem/core'
import type { Architecture } from '../families/architecture.ts'
import { attentionGraph } from '../graph/attention-graph.ts'
import { DeviceMemory, release } from './device-memory.ts'
import type { Provider } from './provider.ts'
import { createSession, floats, int32s, type RuntimeSession, type Tensor } from './runtime.ts'

/** How much of a model's attention the provider's operator computes. */
export interface CheckedAttention {
  /** Most tokens of a row in one run; Infinity where the operator takes any number. */
  readonly maxColumns: number
  /** Layers that the operator computes wrongly, and that are computed from plain operators. */
  readonly plainLayers: ReadonlySet<number>
}

/** Of the CPU's operator, which the golden files hold to Transformers, and of CUDA's, which computes in half precision. */
const trustedAttention: CheckedAttention = {
  maxColumns: Number.POSITIVE_INFINITY,
  plainLayers: new Set(),
}

/** From 32 tokens on, WebGPU's operator takes another kernel. */
const fewColumns = 31
const manyColumns = 70

/** Largest difference to the CPU, as a share of the largest value: far above rounding, far below a part left out. */
const tolerance = 1e-3

/** Longer windows are checked by one of this length: between the two numbers of tokens. */
const checkedWindow = 40

/** Scores are up to about 4 in the check, so that a cap of 1 bends them all. */
const checkedCap = 1

interface Step {
  readonly nRows: number
  readonly nColumns: number
  /** Of the first token. */
  readonly start: number
}

/**
 * Holds the provider's attention operator to the CPU's on random numbers, for each kind of layer that the model has: operators
 * leave out parts silently (a cap on WebGPU), and some kernels are wrong on some devices.
 *
 * @throws CemError `provider-unavailable` where even the cache is written wrongly
 */
export async function checkAttention(
  architecture: Architecture,
  provider: Provider,
): Promise<CheckedAttention> {
  if (provider === 'cpu' || provider === 'cuda') return trustedAttention
  await using memory = new DeviceMemory(provider)
  const verdicts = new Map<boolean, { few: boolean; many: boolean }>()
  for (const { window } of architecture.layers)
    if (!verdicts.has(window !== null)) {
      const checked = window === null ? null : Math.min(window, checkedWindow)
      verdicts.set(window !== null, await checkWindow(architecture, checked, provider, memory))
    }
  const plainLayers = new Set<number>()
  let maxColumns = Number.POSITIVE_INFINITY
  for (const [layer, { window }] of architecture.layers.entries()) {
    const { few, many } = verdicts.get(window !== null) as { few: boolean; many: boolean }
    if (!few) plainLayers.add(layer)
    else if (!many) maxColumns = fewColumns
  }
  return { maxColumns, plainLayers }
}

/** Sequences of runs over one cache: short and long prompts with a step after them, and runs that a window does not see whole. */
function sequencesOf(window: number | null): Step[][] {
  const beyond = (window ?? fewColumns) + 3
  const prompt = (nRows: number, nColumns: number): Step[] => [
    { nRows, nColumns, start: 0 },
    { nRows, nColumns: 1, start: nColumns },
  ]
  return [
    prompt(2, fewColumns),
    [
      { nRows: 1, nColumns: fewColumns, start: beyond },
      { nRows: 1, nColumns: 1, start: beyond + fewColumns },
    ],
    prompt(2, manyColumns),
    [{ nRows: 1, nColumns: manyColumns, start: beyond }],
  ]
}

async function checkWindow(
  architecture: Architecture,
  window: number | null,
  provider: Provider,
  memory: DeviceMemory,
): Promise<{ few: boolean; many: boolean }> {
  const { nHeads, nKvHeads, headDim, attentionSoftCap } = architecture
  const softCap = attentionSoftCap === null ? null : checkedCap
  const scale = 1 / Math.sqrt(headDim)
  const graph = attentionGraph({ nHeads, nKvHeads, headDim, scale, window, softCap })
  const host = await createSession(graph, { threads: 1 })
  const device = await createSession(graph, { threads: 1, provider })
  const verdict = { few: true, many: true }
  try {
    for (const steps of sequencesOf(window)) {
      const run = new CheckedSequence(architecture, steps, memory)
      for (const { nColumns, isRight } of await run.compare(host, device, provider)) {
        verdict[nColumns <= fewColumns ? 'few' : 'many'] &&= isRight
      }
    }
  } finally {
    await host.release()
    await device.release()
  }
  return verdict
}

/** Random inputs for the steps of one sequence, and the same cache on both sides. */
class CheckedSequence {
  readonly #architecture: Architecture
  readonly #steps: readonly Step[]
  readonly #memory: DeviceMemory
  readonly #capacity: number
  #seed = 0

  constructor(architecture: Architecture, steps: readonly Step[], memory: DeviceMemory) {
    this.#architecture = architecture
    this.#steps = steps
    this.#memory = memory
    this.#capacity = Math.max(...steps.map((step) => step.start + step.nColumns)) + 2
  }

  async compare(host: RuntimeSession, device: RuntimeSession, provider: Provider) {
    const { nKvHeads, headDim } = this.#architecture
    const shape = [this.#steps[0]?.nRows ?? 1, nKvHeads, this.#capacity, headDim]
    const hostCache = [this.#floats(shape), this.#floats(shape)] as const
    const copy = async (tensor: Tensor) =>
      provider === 'webgpu'
        ? this.#memory.upload(tensor)
        : floats(Float32Array.from(tensor.data as Float32Array), shape)
    const deviceCache = [await copy(hostCache[0]), await copy(hostCache[1])] as const
    const results: { nColumns: number; isRight: boolean }[] = []
    for (const step of this.#steps) {
      const feeds = this.#feeds(step)
      const expected = await runInPlace(host, feeds, hostCache)
      const found = await runInPlace(device, feeds, deviceCache)
      results.push({ nColumns: step.nColumns, isRight: agree(found, expected) })
    }
    for (const [i, tensor] of deviceCache.entries()) {
      const found = provider === 'webgpu' ? await this.#memory.download(tensor) : tensor
      const expected = (hostCache[i] as Tensor).data as Float32Array
      if (!agree(found.data as Float32Array, expected)) throw wrongCache(provider)
      if (provider === 'webgpu') release(tensor)
    }
    return results
  }

  #feeds({ nRows, nColumns, start }: Step): Record<string, Tensor> {
    const { nHeads, nKvHeads, headDim } = this.#architecture
    const total = start + nColumns
    const half = headDim / 2
    const angles = Array.from(
      { length: total * half },
      (_, i) => Math.floor(i / half) / 10_000 ** ((i % half) / half),
    )
    return {
      q: this.#floats([nRows, nColumns, nHeads * headDim]),
      k: this.#floats([nRows, nColumns, nKvHeads * headDim]),
      v: this.#floats([nRows, nColumns, nKvHeads * headDim]),
      last_positions: int32s(new Int32Array(nRows).fill(total - 1), [nRows]),
      total_length: int32s(Int32Array.of(total), []),
      cosines: floats(Float32Array.from(angles, Math.cos), [total, half]),
      sines: floats(Float32Array.from(angles, Math.sin), [total, half]),
    }
  }

  /** Numbers all over (-2, 2), without a pattern, quickly. */
  #floats(shape: readonly number[]): Tensor {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
    this.#seed += 1
    for (let i = 0; i < values.length; i++) {
      const large = Math.sin(i + 1 + this.#seed * 0.37) * 43_758.5453
      values[i] = 4 * (large - Math.floor(large)) - 2
    }
    return floats(values, shape)
  }
}

async function runInPlace(
  session: RuntimeSession,
  feeds: Record<string, Tensor>,
  [keys, values]: readonly [Tensor, Tensor],
): Promise<Float32Array> {
  const fetches = { context: null, new_keys: keys, new_values: values }
  const { context } = await session.run({ ...feeds, keys, values }, fetches)
  return (context as Tensor).data as Float32Array
}

function agree(found: Float32Array, expected: Float32Array): boolean {
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  // Not turned round: a NaN must not pass.
  return expected.every((value, i) => Math.abs(value - (found[i] as number)) <= tolerance * largest)
}

function wrongCache(provider: Provider): CemError {
  return new CemError({
    code: 'provider-unavailable',
    message: `The provider ${provider} writes keys and values wrongly on this device, so nothing that it computes can be trusted. Update the device's driver, or run on the CPU (provider cpu).`,
    data: { provider },
  })
}
