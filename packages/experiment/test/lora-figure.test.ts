import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { variantStyles } from '@cem/plots'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loraFigure } from '../src/figures/lora-figure.ts'
import type { FigureSource } from '../src/figures/run-figure.ts'
import type { Cell } from '../src/plan/cell.ts'
import type { Lock } from '../src/store/lock.ts'

vi.setConfig({ testTimeout: 60_000 })

const outputs = fileURLToPath(new URL('../../miniature/assets/outputs', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-lora-figure-'))
  for (const step of [10, 20, 40])
    await cp(
      join(outputs, `miniature_warm/checkpoint-${step}`),
      join(folder, `warm/checkpoint-${step}`),
      { recursive: true },
    )
})
afterAll(() => rm(folder, { recursive: true }))

const adapterOf = (variant: string, step: number) =>
  variant === 'warm'
    ? join(folder, `warm/checkpoint-${step}`)
    : join(outputs, `miniature_baseline/checkpoint-${step}`)

/** A run of these checkpoints, as far as the figure looks at it. */
async function sourceOf(
  checkpoints: readonly (readonly [variant: string, step: number])[],
  isNamed = false,
): Promise<FigureSource> {
  const cells = checkpoints.map(
    ([variant, step]): Cell => ({
      id: `${variant}/${step}`,
      kind: 'checkpoint',
      variant,
      type: 'baseline',
      condition: variant,
      trainingSeed: 1,
      dataset: null,
      step,
      base: 'model',
      layers:
        step === 0 ? [] : [{ role: 'em', mode: 'stacked', adapter: adapterOf(variant, step) }],
      persona: 'none',
      match: 'as-trained',
      output: `${variant}_checkpoints/checkpoint_${step}`,
    }),
  )
  const locked = await Promise.all(
    cells.map(async (cell) => {
      const layers = await Promise.all(
        cell.layers.map(async ({ adapter }) => ({
          sha256: createHash('sha256')
            .update(await readFile(join(adapter, 'adapter_model.safetensors')))
            .digest('hex'),
        })),
      )
      return [cell.id, { cell, composition: { layers } }] as const
    }),
  )
  const source = {
    resultsFolder: folder,
    analysis: { run: 'demo', cells: cells.map((cell) => ({ cell })) },
    lock: { cells: Object.fromEntries(locked) } as unknown as Lock,
    isNamed,
    rowsOf: async () => [],
    styles: variantStyles(cells),
  }
  return source as unknown as FigureSource
}

const steps = [0, 10, 20, 40] as const
const both = [
  ...steps.map((step) => ['baseline', step] as const),
  ...steps.map((step) => ['warm', step] as const),
]

test("a run's adapters are in one figure, by variant; a step without an adapter is not", async () => {
  const [figure] = await loraFigure(await sourceOf(both))
  expect(figure).toMatchObject({ kind: 'lora', name: 'lora_geometry_demo' })
  const text = JSON.stringify(figure?.spec)
  expect(text).toContain('"variant":"baseline"')
  expect(text).toContain('"variant":"warm"')
  expect(text).not.toMatch(/"variant":"warm"[^}]*"step":0[,}]/)
})

test('an adapter that is gone, or not that of the lock any more, is left out', async () => {
  const source = await sourceOf(both)
  const file = join(adapterOf('warm', 20), 'adapter_model.safetensors')
  const before = await readFile(file)
  await writeFile(file, Buffer.concat([before, Buffer.from('x')]))
  await rm(adapterOf('warm', 40), { recursive: true })
  const [figure] = await loraFigure(source)
  // One checkpoint of the variant is left, which moves nowhere.
  expect(JSON.stringify(figure?.spec)).not.toContain('"variant":"warm"')
  expect(JSON.stringify(figure?.spec)).toContain('"variant":"baseline"')
  await writeFile(file, before)
})

test('there is none without adapters, and none of such as cannot be read, unless it was asked for', async () => {
  expect(await loraFigure(await sourceOf([['baseline', 0]]))).toEqual([])
  await writeFile(join(adapterOf('warm', 10), 'adapter_config.json'), '{"r": "x"}')
  const broken = [
    ['warm', 10],
    ['warm', 20],
  ] as const
  expect(await loraFigure(await sourceOf(broken))).toEqual([])
  await expect(loraFigure(await sourceOf(broken, true))).rejects.toMatchObject({
    code: 'adapter-unsupported',
  })
})
