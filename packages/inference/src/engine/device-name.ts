import { cpus } from 'node:os'
import { nvidiaProperty } from './nvidia-smi.ts'
import type { Device, Provider } from './provider.ts'

export function cpuDevice(): Device {
  return { provider: 'cpu', name: cpus()[0]?.model.trim() || process.arch, kind: 'hardware' }
}

/** Vulkan drivers by their library. Those that compute on the processor come last: another one that is loaded is used. */
const vulkanDrivers = [
  { library: /nvidia/i, name: 'NVIDIA GPU', kind: 'hardware' },
  { library: /vulkan_radeon/, name: 'AMD GPU (Mesa)', kind: 'hardware' },
  { library: /vulkan_intel/, name: 'Intel GPU (Mesa)', kind: 'hardware' },
  { library: /vulkan_(?!lvp)\w+\.so/, name: 'GPU (Mesa)', kind: 'hardware' },
  { library: /vk_swiftshader/, name: 'SwiftShader', kind: 'software' },
  { library: /vulkan_lvp/, name: 'lavapipe', kind: 'software' },
] as const

/**
 * What a provider that works computes on. The runtime does not tell; the libraries that its process has loaded and the
 * system's tools do.
 *
 * @param sharedObjects paths of those libraries
 */
export function deviceOf(
  provider: Provider,
  sharedObjects: readonly string[],
  nvidiaName: () => string | undefined = () => nvidiaProperty('name'),
): Device {
  if (provider === 'cpu') return cpuDevice()
  if (provider === 'cuda') return { provider, name: nvidiaName() ?? 'NVIDIA GPU', kind: 'hardware' }
  if (provider === 'webgpu' && process.platform === 'linux') {
    const driver = vulkanDrivers.find(({ library }) => sharedObjects.some((o) => library.test(o)))
    if (driver === undefined) return { provider, name: 'GPU (Vulkan)', kind: 'hardware' }
    const name = driver.name === 'NVIDIA GPU' ? (nvidiaName() ?? driver.name) : driver.name
    return { provider, name, kind: driver.kind }
  }
  // On macOS the GPU is part of the processor.
  const name = process.platform === 'darwin' ? cpuDevice().name : 'GPU (Direct3D)'
  return { provider, name, kind: 'hardware' }
}
