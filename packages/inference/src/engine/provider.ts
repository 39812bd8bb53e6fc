import { CemError } from '@cem/core'

/** What a model can run on. `directml` is the runtime's `dml`. */
export const providers = ['cpu', 'cuda', 'webgpu', 'coreml', 'directml'] as const
export type Provider = (typeof providers)[number]

/** What can be asked for by name; `cuda:N` beside, for one of several GPUs. */
export const providerRequests = ['auto', ...providers] as const

/**
 * A provider by name, `cuda:N` for the N-th of the NVIDIA GPUs that this process may see (from 0, in the order of
 * `nvidia-smi`), or `auto`: CUDA where its libraries load, else the CPU.
 */
export type ProviderRequest = (typeof providerRequests)[number] | `cuda:${number}`

/** Where a provider computes. */
export interface Device {
  readonly provider: Provider
  /** As its driver or the system calls it. */
  readonly name: string
  /** A software device computes on the processor: right, and slow. */
  readonly kind: 'hardware' | 'software'
  /** Which of several GPUs, where one was asked for. */
  readonly index?: number | undefined
}

/**
 * A request in its parts.
 *
 * @throws CemError `provider-unknown`
 */
export function readProvider(request: string): {
  readonly provider: Provider | 'auto'
  readonly index: number | undefined
} {
  const known = providerRequests.find((name) => name === request)
  if (known !== undefined) return { provider: known, index: undefined }
  const index = /^cuda:(\d{1,4})$/.exec(request)?.[1]
  if (index !== undefined) return { provider: 'cuda', index: Number(index) }
  throw new CemError({
    code: 'provider-unknown',
    message: `The provider is ${JSON.stringify(request)}; it can be ${providerRequests.join(', ')}, or cuda:0, cuda:1 and so on for one of several GPUs.`,
    data: { provider: request },
  })
}

/** The environment of a process that sees only one of the GPUs that this one sees, as its first. */
export function environmentOf(
  index: number | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  if (index === undefined) return {}
  const visible = environment['CUDA_VISIBLE_DEVICES']?.split(',').filter((name) => name !== '')
  // Past the end: a name that no GPU has, so that the runtime says that there is none.
  const device = visible === undefined ? String(index) : (visible[index]?.trim() ?? '-1')
  return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: device }
}

/** The provider's entry in the runtime's session options. */
export function executionProvider(
  provider: Provider,
  hostNodes: readonly string[],
): { readonly name: string; readonly forceCpuNodeNames?: readonly string[] } {
  if (provider === 'directml') return { name: 'dml' }
  if (provider === 'webgpu' && hostNodes.length > 0)
    return { name: 'webgpu', forceCpuNodeNames: hostNodes }
  return { name: provider }
}

/**
 * What matrix products and attention are computed in where weights are used as they are (precision f32). CUDA's attention
 * kernels have half precision only; norms, softmax and sums are float32 there too.
 */
export function arithmeticOf(provider: Provider): 'float32' | 'bfloat16' {
  return provider === 'cuda' ? 'bfloat16' : 'float32'
}
