import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { providerStatus } from '@cem/inference'
import { PlacementLog } from '@cem/inference/graph'
import { describe, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 180_000 })

/** SwiftShader, where Debian's chromium package puts it. */
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (existsSync(driver)) process.env['VK_DRIVER_FILES'] ??= driver
const hasWebgpu = (await providerStatus('webgpu')).device !== null

const program = fileURLToPath(new URL('./place-step-graph.ts', import.meta.url))

/** Operators on the CPU and how many nodes there are elsewhere. */
async function place(name: string, kind: string) {
  const { stderr, status } = spawnSync(process.execPath, [program, name, kind], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const log = new PlacementLog()
  const words = log.read(stderr) + log.end()
  expect({ status, words: status === 0 ? '' : words.slice(-500) }).toEqual({ status: 0, words: '' })
  const nodes = (await log.nodes()) ?? []
  const onCpu = nodes.filter(({ executor }) => executor === 'CPUExecutionProvider')
  return {
    onCpu: new Set(onCpu.map(({ operator }) => operator)),
    nElsewhere: nodes.length - onCpu.length,
  }
}

/** They work on sizes, and on the token ids that gradients are added to. */
const onIndices = ['Concat', 'Expand', 'Reshape', 'Shape', 'Unsqueeze']

describe.skipIf(!hasWebgpu)('on WebGPU every node of a step that computes has a kernel', () => {
  test.each([
    ['gqa-6-2-tied', 'lora'],
    ['gqa-6-2-tied', 'full'],
    ['gemma2', 'lora'],
  ])('%s, %s', async (name, kind) => {
    const { onCpu, nElsewhere } = await place(name, kind)
    expect(nElsewhere).toBeGreaterThan(300)
    expect([...onCpu].filter((operator) => !onIndices.includes(operator))).toEqual([])
  })

  test('the optimiser', async () => {
    // Where all nodes are in one place, the log does not list them.
    expect((await place('gqa-6-2-tied', 'update')).onCpu).toEqual(new Set())
  })
})
