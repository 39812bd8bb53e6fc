import { CemError, messageOf } from '@cem/core'
import { cpuDevice } from './device-name.ts'
import { Engine } from './engine.ts'
import {
  type Device,
  environmentOf,
  type Provider,
  type ProviderRequest,
  providers,
  readProvider,
} from './provider.ts'
import { helpFor } from './provider-help.ts'
import { hasCudaLibraries, runtimeFolder } from './runtime-folder.ts'

/** Whether a provider works on this machine. */
export interface ProviderStatus {
  readonly provider: Provider
  /** What it computes on; null where it does not work. */
  readonly device: Device | null
  /** What it lacks; null where it works. */
  readonly missing: string | null
  /** The command that installs that, where there is one. */
  readonly install: string | null
}

export interface ProbeOptions {
  /** A driver that does not answer within this time does not work. @default 60,000 */
  readonly timeoutInMs?: number | undefined
  /** Which of several NVIDIA GPUs. @default the first */
  readonly index?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Tries a provider in a process of its own: one that crashes or hangs there does no harm. */
export async function providerStatus(
  provider: Provider,
  { timeoutInMs = 60_000, index, signal }: ProbeOptions = {},
): Promise<ProviderStatus> {
  signal?.throwIfAborted()
  if (provider === 'cpu') return works(cpuDevice())
  await using engine = new Engine(environmentOf(index))
  const timer = AbortSignal.timeout(timeoutInMs)
  const either = signal === undefined ? timer : AbortSignal.any([signal, timer])
  try {
    const device = await orAbort(engine.call('probe', { provider }), either)
    return works(index === undefined ? device : { ...device, index })
  } catch (error) {
    signal?.throwIfAborted()
    const { platform, arch } = process
    const words = timer.aborted
      ? `it did not answer within ${timeoutInMs / 1000} seconds`
      : `${messageOf(error)}\n${engine.lastWords}`
    const failure = { provider, platform, arch, runtimeFolder: runtimeFolder(), words }
    return { provider, device: null, ...helpFor(failure) }
  }
}

function works(device: Device): ProviderStatus {
  return { provider: device.provider, device, missing: null, install: null }
}

/** A process that hangs answers no abort either: it is left, and ended when it is disposed of. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined)
  signal.throwIfAborted()
  let abandon: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (abandon !== undefined) signal.removeEventListener('abort', abandon)
  }
}

/** Every provider's status, in the order of `providers`. */
export async function providerStatuses(options: ProbeOptions = {}): Promise<ProviderStatus[]> {
  return Promise.all(providers.map((provider) => providerStatus(provider, options)))
}

/**
 * The device that a request means: a named provider's, or for `auto` the first that works of CUDA and the CPU. WebGPU is never
 * chosen unasked: its device may be a software one.
 *
 * @throws CemError `provider-unavailable` with what is missing and the command that installs it, for a provider that is named;
 *   `provider-unknown`
 */
export async function resolveProvider(
  request: ProviderRequest,
  options: ProbeOptions = {},
): Promise<Device> {
  const { provider, index } = readProvider(request)
  if (provider !== 'auto') return named(await providerStatus(provider, { ...options, index }))
  if (hasCudaLibraries()) {
    const { device } = await providerStatus('cuda', options)
    if (device !== null) return device
  }
  return cpuDevice()
}

function named({ provider, device, missing, install }: ProviderStatus): Device {
  if (device !== null) return device
  throw new CemError({
    code: 'provider-unavailable',
    message: `The provider ${provider} does not work on this machine: ${missing}.${install === null ? '' : ` To install it: ${install}`} \`cem doctor\` lists the providers that work; provider cpu always does.`,
    data: { provider, missing, install },
  })
}
