import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The folder of the runtime's package, without loading it. */
export function runtimeFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
}

/** Whether the CUDA libraries, a download of their own, lie where the runtime looks for them. */
export function hasCudaLibraries(folder = runtimeFolder()): boolean {
  const { platform, arch } = process
  return existsSync(join(folder, 'bin/napi-v6', platform, arch, 'libonnxruntime_providers_cuda.so'))
}
