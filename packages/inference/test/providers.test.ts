import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { deviceOf } from '../src/engine/device-name.ts'
import { describePlacement, PlacementLog, placementWarnings } from '../src/engine/placement.ts'
import { environmentOf, readProvider } from '../src/engine/provider.ts'
import { helpFor } from '../src/engine/provider-help.ts'
import { loadModel, providerStatus, resolveProvider } from '../src/index.ts'
import { fixtures, modelNamed } from './golden.ts'

vi.setConfig({ testTimeout: 120_000 })

describe('a provider by name', () => {
  test('cpu always works, and is named after the processor', async () => {
    const device = await resolveProvider('cpu')
    expect(device).toMatchObject({ provider: 'cpu', kind: 'hardware' })
    expect(device.name).not.toBe('')
  })

  test('that does not exist is an error that lists those that do', async () => {
    await expect(resolveProvider('gpu' as 'cpu')).rejects.toMatchObject({
      code: 'provider-unknown',
      message: expect.stringMatching(/"gpu".*auto, cpu, cuda, webgpu, coreml, directml/),
    })
  })

  // One of the two is of another system wherever this runs.
  const foreign = process.platform === 'win32' ? 'coreml' : 'directml'
  test('of another system is an error that says where there is one, and no model is loaded', async () => {
    const base = join(fixtures, modelNamed('gqa-6-2-tied').folder)
    await expect(loadModel({ base, provider: foreign })).rejects.toMatchObject({
      code: 'provider-unavailable',
      message: expect.stringMatching(
        new RegExp(`provider ${foreign} does not work.*onnxruntime-node has ${foreign} for`),
      ),
      data: { provider: foreign, install: null },
    })
  })

  test('that does not answer in time does not work', async () => {
    const status = await providerStatus('webgpu', { timeoutInMs: 1 })
    expect(status).toMatchObject({ provider: 'webgpu', device: null })
  })

  test('an aborted signal is honoured', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(resolveProvider('webgpu', { signal })).rejects.toThrow('enough')
  })

  test('a model on the CPU has its device and nothing to place', async () => {
    const base = join(fixtures, modelNamed('gqa-6-2-tied').folder)
    await using model = await loadModel({ base, provider: 'cpu' })
    expect(model.device.provider).toBe('cpu')
    expect(model.placement).toBeNull()
  })
})

describe('one of several GPUs', () => {
  test('is asked for by its number, and an engine for it sees that GPU only', () => {
    expect(readProvider('cuda:3')).toEqual({ provider: 'cuda', index: 3 })
    expect(readProvider('cuda')).toEqual({ provider: 'cuda', index: undefined })
    for (const request of ['cuda:', 'cuda:-1', 'cuda:x', 'cpu:1', 'cuda:1 '])
      expect(() => readProvider(request)).toThrow(
        expect.objectContaining({ code: 'provider-unknown' }),
      )
    expect(environmentOf(undefined, {})).toEqual({})
    expect(environmentOf(2, {})).toMatchObject({ CUDA_VISIBLE_DEVICES: '2' })
    // A scheduler gave this process three GPUs: the second of them.
    const given = { CUDA_VISIBLE_DEVICES: '4,GPU-8f1,7' }
    expect(environmentOf(1, given)).toMatchObject({ CUDA_VISIBLE_DEVICES: 'GPU-8f1' })
    expect(environmentOf(3, given)).toMatchObject({ CUDA_VISIBLE_DEVICES: '-1' })
  })
})

describe('what is missing and the command that installs it', () => {
  const here = {
    platform: 'linux',
    arch: 'x64',
    runtimeFolder: '/app/node_modules/onnxruntime-node',
  }
  test.each([
    [
      'the CUDA libraries of the runtime',
      'cuda',
      'Failed to load library /x/libonnxruntime_providers_shared.so with error: libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory',
      /CUDA libraries of ONNX Runtime/,
      /^ONNXRUNTIME_NODE_INSTALL=cuda12 node \/app\/node_modules\/onnxruntime-node\/script\/install\.js$/,
    ],
    [
      'cuDNN',
      'cuda',
      'Failed to load library libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file: No such file or directory',
      /libcudnn\.so\.9.*cuDNN 9/,
      /libcudnn9-cuda-12/,
    ],
    [
      'the NVIDIA driver',
      'cuda',
      'libcuda.so.1: cannot open shared object file: No such file or directory',
      /NVIDIA GPU with its driver/,
      /nvidia-driver/,
    ],
    [
      'a Vulkan driver',
      'webgpu',
      'Failed to get a WebGPU adapter: No supported adapters',
      /Vulkan driver/,
      /apt-get install -y libvulkan1 .*VK_DRIVER_FILES=/,
    ],
  ] as const)('%s', (_, provider, words, missing, install) => {
    const help = helpFor({ ...here, provider, words })
    expect(help.missing).toMatch(missing)
    expect(help.install).toMatch(install)
  })

  test('an error that is not known is given as it is', () => {
    const words = 'something new\nat line 3'
    expect(helpFor({ ...here, provider: 'webgpu', words }).missing).toBe('something new')
    expect(helpFor({ ...here, provider: 'cuda', words: '' }).missing).toBe('nothing was said')
  })
})

describe.runIf(process.platform === 'linux')('the device of WebGPU on Linux', () => {
  const named = (...sharedObjects: string[]) =>
    deviceOf('webgpu', sharedObjects, () => 'NVIDIA H200')
  test.each([
    [['/usr/lib/chromium/libvk_swiftshader.so'], 'SwiftShader', 'software'],
    [['/usr/lib/libvulkan_lvp.so', '/usr/lib/libGLX_nvidia.so.0'], 'NVIDIA H200', 'hardware'],
    [['/usr/lib/libvulkan_lvp.so', '/usr/lib/libvulkan_radeon.so'], 'AMD GPU (Mesa)', 'hardware'],
    [['/usr/lib/libvulkan_lvp.so'], 'lavapipe', 'software'],
    [['/usr/lib/libvulkan.so.1'], 'GPU (Vulkan)', 'hardware'],
  ])('with %j is %s', (objects, name, kind) => {
    expect(named(...objects)).toEqual({ provider: 'webgpu', name, kind })
  })
})

describe('placements in the log of the runtime', () => {
  const line = (text: string) => `2026-01-02 [V:onnxruntime:, session_state.cc:1385 ${text}\n`
  const log = [
    line(
      'VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3',
    ),
    line('VerifyEachNodeIsAssignedToAnEp]   BitwiseXor (sample/BitwiseXor_1)'),
    line('VerifyEachNodeIsAssignedToAnEp]   Concat (Concat_8)'),
    line('VerifyEachNodeIsAssignedToAnEp]   MatMulNBits (model.layers.0.mlp (int8))'),
    line(
      'VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 1',
    ),
    line('VerifyEachNodeIsAssignedToAnEp]   Gemm (Gemm_4)'),
    '2026-01-02 [I:onnxruntime:, inference_session.cc:3094 Initialize] Session successfully initialized.\n',
  ].join('')
  const report = { plainLayers: [1], maxColumns: 31, hostNodes: ['sample/BitwiseXor_1'] }
  const expected = {
    nNodes: { CPUExecutionProvider: 3, WebGpuExecutionProvider: 1 },
    onCpu: [
      { operator: 'BitwiseXor', count: 1, reason: 'noise' },
      { operator: 'Concat', count: 1, reason: 'index' },
      { operator: 'MatMulNBits', count: 1, reason: 'fallback' },
    ],
    plainAttentionLayers: [1],
    maxColumns: 31,
  }

  test.each([1, 7, 80, 100_000])('are read in chunks of %i characters', async (size) => {
    const reader = new PlacementLog()
    let rest = ''
    for (let i = 0; i < log.length; i += size) rest += reader.read(log.slice(i, i + size))
    const nodes = await reader.nodes(0)
    expect(describePlacement(nodes ?? [], report)).toEqual(expected)
    expect(rest + reader.end()).toBe('')
  })

  test('are warned of where real computation fell back', () => {
    expect(
      placementWarnings('webgpu', { ...expected, onCpu: [...expected.onCpu] } as never),
    ).toEqual([expect.stringMatching(/webgpu has no kernel.*1 x MatMulNBits/)])
    const harmless = describePlacement([], report)
    expect(placementWarnings('webgpu', harmless)).toEqual([])
  })

  test('of branches that only some requests run are told by the feature, not as a fallback', () => {
    const node = (operator: string, name: string) => ({
      executor: 'CPUExecutionProvider',
      operator,
      name,
    })
    const { onCpu } = describePlacement(
      [
        node('Loop', 'layers.3/changed/Loop_7'),
        node('Gather', 'layers.11/changed/Gather_2'),
        node('CumSum', 'sample/truncated/whole/CumSum_9'),
        node('Gemm', 'layers.3/unchanged/Gemm_3'),
      ],
      report,
    )
    expect(onCpu.map(({ operator, reason }) => [operator, reason])).toEqual([
      ['Loop', 'interventions'],
      ['Gather', 'interventions'],
      ['CumSum', 'truncation'],
      ['Gemm', 'fallback'],
    ])
  })

  test('leave other words as they are, those of a process that died in the middle of a line too', () => {
    const reader = new PlacementLog()
    const words =
      reader.read(`terminate called\n${log}Segmentation`) + reader.read(' fault') + reader.end()
    expect(words).toBe('terminate called\nSegmentation fault')
  })

  test('are undefined where the log says nothing', async () => {
    expect(await new PlacementLog().nodes(10)).toBeUndefined()
  })
})
