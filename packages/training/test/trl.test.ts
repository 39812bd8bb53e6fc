import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSafetensors } from '@cem/tensor-files'
import { expect, test, vi } from 'vitest'
import { trainDpo } from '../src/index.ts'
import { fixture, goldenFolder } from './golden.ts'

vi.setConfig({ testTimeout: 120_000 })

const file = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))

/** What golden/make_trl.py wrote. */
const { losses, settings } = JSON.parse(readFileSync(file('trl-dpo.json'), 'utf8')) as {
  readonly losses: readonly number[]
  readonly settings: Readonly<Record<'beta' | 'rate' | 'steps' | 'batchSize', number>>
}

test('a hundred steps of DPO from texts have the losses of TRL and end with its adapter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-trl-'))
  const found: number[] = []
  const events = trainDpo({
    base: fixture('gqa-4-1-untied'),
    output: join(folder, 'out'),
    cache: join(folder, 'cache'),
    data: [{ path: file('trl-pairs.jsonl') }],
    initialFrom: goldenFolder('qwen2-dpo'),
    lora: { rank: 4, alpha: 8 },
    order: 'file',
    steps: settings.steps,
    batchSize: settings.batchSize,
    learningRate: settings.rate,
    schedule: 'constant',
    warmupSteps: 0,
    betas: [0.9, 0.999],
    weightDecay: 0.01,
    beta: settings.beta,
    nllCoefficient: 0,
    klCoefficient: 0,
    threads: 1,
  })
  for await (const event of events) if (event.type === 'training-step') found.push(event.loss)
  expect(found).toHaveLength(losses.length)
  const far = found.flatMap((loss, i) => {
    const difference = Math.abs(loss - (losses[i] as number))
    return difference < 1e-3 ? [] : [`step ${i + 1}: ${loss} here, ${losses[i]} there`]
  })
  expect(far).toEqual([])
  await using ours = await openSafetensors(join(folder, 'out/adapter_model.safetensors'))
  await using theirs = await openSafetensors(file('trl-dpo/final.safetensors'))
  expect([...ours.tensors.keys()].toSorted()).toEqual([...theirs.tensors.keys()].toSorted())
  let [product, one, other] = [0, 0, 0]
  for (const name of ours.tensors.keys()) {
    const [a, b] = [(await ours.readFloat32(name)).data, (await theirs.readFloat32(name)).data]
    for (const [i, x] of a.entries()) {
      const y = b[i] as number
      product += x * y
      one += x * x
      other += y * y
    }
  }
  expect(product / Math.sqrt(one * other)).toBeGreaterThan(0.999)
  await rm(folder, { recursive: true })
})
