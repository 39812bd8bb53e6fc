import type { Provider } from './provider.ts'

/** The machine and what the runtime said, as far as they decide what to do. */
export interface ProviderFailure {
  readonly provider: Provider
  /** `process.platform` and `process.arch`. */
  readonly platform: string
  readonly arch: string
  /** Folder of the runtime's package. */
  readonly runtimeFolder: string
  /** The runtime's error and what its log said before. */
  readonly words: string
}

export interface ProviderHelp {
  readonly missing: string
  /** What to run, word for word; null where nothing can be installed. */
  readonly install: string | null
}

/** The builds of onnxruntime-node 1.30 that hold a provider, or can be given it. */
const platforms: Readonly<Record<Provider, readonly string[]>> = {
  cpu: ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'],
  webgpu: ['linux-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'],
  cuda: ['linux-x64'],
  coreml: ['darwin-arm64'],
  directml: ['win32-x64', 'win32-arm64'],
}

/** What is missing for a provider that did not work, and the command that installs it. */
export function helpFor(failure: ProviderFailure): ProviderHelp {
  const { provider, platform, arch } = failure
  const here = `${platform}-${arch}`
  if (!platforms[provider].includes(here))
    return {
      missing: `onnxruntime-node has ${provider} for ${platforms[provider].join(', ')}, and this is ${here}`,
      install: null,
    }
  if (provider === 'cuda') return cudaHelp(failure)
  if (provider === 'webgpu' && platform === 'linux') return vulkanHelp(failure)
  return { missing: firstLine(failure.words), install: null }
}

function cudaHelp({ words, runtimeFolder }: ProviderFailure): ProviderHelp {
  const library = /(lib[\w.-]+\.so[\w.]*): cannot open shared object file/.exec(words)?.[1] ?? ''
  if (/onnxruntime_providers/.test(library))
    return {
      missing: `the CUDA libraries of ONNX Runtime (${library}), a download of their own`,
      install: `ONNXRUNTIME_NODE_INSTALL=cuda12 node ${runtimeFolder}/script/install.js`,
    }
  if (library.startsWith('libcuda.so') || /no CUDA-capable device|CUDA driver/i.test(words))
    return {
      missing: 'an NVIDIA GPU with its driver',
      install: 'apt-get install -y nvidia-driver',
    }
  if (library !== '')
    return {
      missing: `${library}, of CUDA 12 or cuDNN 9`,
      install:
        'apt-get install -y cuda-libraries-12-9 libcudnn9-cuda-12 (from the CUDA repository of NVIDIA for this system)',
    }
  return { missing: firstLine(words), install: null }
}

function vulkanHelp({ words }: ProviderFailure): ProviderHelp {
  if (/adapter/i.test(words) || /vulkan/i.test(words))
    return {
      missing:
        'a Vulkan driver that WebGPU takes: that of the GPU (NVIDIA ships it with its driver, Mesa has those of AMD and Intel), or a software one for tests; the software driver of Mesa (lavapipe) is refused',
      install:
        'apt-get install -y libvulkan1 mesa-vulkan-drivers; without a GPU: apt-get install -y libvulkan1 chromium && export VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json',
    }
  return { missing: firstLine(words), install: null }
}

function firstLine(words: string): string {
  return words.trim().split('\n')[0] || 'nothing was said'
}
