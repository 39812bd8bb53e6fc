import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { plotLora } from '../src/index.ts'

vi.setConfig({ testTimeout: 60_000 })

const outputs = fileURLToPath(new URL('../../miniature/assets/outputs', import.meta.url))
const folder = (variant: string) => join(outputs, variant)

/** Values of a measure in the spec's data, by step. */
function valuesOf(spec: object, panel: string): [number, number][] {
  const { vconcat } = spec as { vconcat: { concat: PanelSpec[] }[] }
  const found = vconcat[0]?.concat.find(({ layer }) => JSON.stringify(layer).includes(panel))
  return (found?.data.values ?? []).map(({ step, value }) => [step, value])
}
interface PanelSpec {
  readonly layer: readonly object[]
  readonly data: { readonly values: readonly { step: number; value: number }[] }
}

test('norms are those of the matrices in the files, at the steps of the folders', async () => {
  const { spec, name } = await plotLora({ folders: [folder('miniature_baseline')] })
  expect(name).toBe('lora_geometry')
  // lora-norms.py: torch, in double precision, over all lora_B tensors of a checkpoint.
  const expected: Readonly<Record<number, number>> = {
    10: 0.5458987358,
    20: 1.1795243576,
    40: 1.9931899459,
    80: 2.2972988612,
    160: 2.316687009,
  }
  const found = valuesOf(spec, 'Norm of B')
  expect(found.map(([step]) => step)).toEqual(Object.keys(expected).map(Number))
  for (const [step, value] of found) expect(value).toBeCloseTo(expected[step] ?? Number.NaN, 5)
})

test('several runs stand in one figure by name, and a folder without checkpoints is refused', async () => {
  const { spec } = await plotLora({
    folders: [folder('miniature_baseline'), folder('miniature_steadfast')],
  })
  expect(JSON.stringify(spec)).toContain('miniature_steadfast')
  await expect(plotLora({ folders: [outputs] })).rejects.toMatchObject({ code: 'variant-empty' })
})

test('a config that is no adapter’s is refused with its file', async () => {
  const root = await mkdtemp(join(tmpdir(), 'cem-lora-'))
  try {
    const path = join(root, 'checkpoint-5')
    await mkdir(path)
    await writeFile(join(path, 'adapter_config.json'), '{"r": "x"}')
    await expect(plotLora({ folders: [root] })).rejects.toMatchObject({
      code: 'adapter-unsupported',
      message: expect.stringContaining('adapter_config.json'),
    })
  } finally {
    await rm(root, { recursive: true })
  }
})
