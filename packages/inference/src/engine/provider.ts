/** What a model can run on. `directml` is the runtime's `dml`. */
export const providers = ['cpu', 'cuda', 'webgpu', 'coreml', 'directml'] as const
export type Provider = (typeof providers)[number]

/** A provider by name, or `auto`: CUDA where its libraries load, else the CPU. */
export const providerRequests = ['auto', ...providers] as const
export type ProviderRequest = (typeof providerRequests)[number]

/** Where a provider computes. */
export interface Device {
  readonly provider: Provider
  /** As its driver or the system calls it. */
  readonly name: string
  /** A software device computes on the processor: right, and slow. */
  readonly kind: 'hardware' | 'software'
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
