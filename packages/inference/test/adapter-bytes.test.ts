import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors, writeSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadModel, type Model } from '../src/index.ts'
import { fixtures, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

const golden = modelNamed('gqa-6-2-tied')

/** What beside the adapter may pass in a switch: messages of where tensors lie, configs, the self-test's logits. */
const allowance = 128 * 1024

let cache: string
let big: string
let weightBytes: number
beforeAll(async () => {
  cache = await temporaryFolder()
  big = await bigAdapter()
  weightBytes = (await stat(join(big, 'adapter_model.safetensors'))).size
})
afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
  await rm(big, { recursive: true, force: true })
})

/** Bytes that a process has read and written so far, files and pipes together. */
async function bytesOf(processId: number | 'self' | undefined) {
  const text = await readFile(`/proc/${processId}/io`, 'utf8')
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1])
  return { read: value('rchar'), written: value('wchar') }
}

test.runIf(process.platform === 'linux')(
  "a switch moves no more than the adapter's bytes, and a second one none of them (skipped where there is no /proc)",
  async () => {
    await using model = await loadModel({
      base: join(fixtures, golden.folder),
      baseAliases: [golden.repository],
      cache,
    })
    const layers = [{ role: 'em' as const, mode: 'stacked' as const, adapter: big }]
    expect(weightBytes).toBeGreaterThan(20 * allowance)

    const first = await moved(model, () => model.switchTo(layers))
    expect(first.engineRead).toBeGreaterThanOrEqual(weightBytes - allowance)
    expect(first.engineRead).toBeLessThanOrEqual(weightBytes + allowance)
    // The parent hashes the file once, and sends the engine no numbers of it.
    expect(first.parentRead).toBeLessThanOrEqual(weightBytes + allowance)
    expect(first.parentWritten).toBeLessThanOrEqual(allowance)

    await model.switchTo([])
    const again = await moved(model, () => model.switchTo(layers))
    for (const bytes of Object.values(again)) expect(bytes).toBeLessThanOrEqual(allowance)

    const weighted = layers.map((layer) => ({ ...layer, weight: -0.5 }))
    const other = await moved(model, () => model.switchTo(weighted))
    for (const bytes of Object.values(other)) expect(bytes).toBeLessThanOrEqual(allowance)
  },
)

async function moved(model: Model, work: () => Promise<unknown>) {
  const [engine, parent] = [await bytesOf(model.processId), await bytesOf('self')]
  await work()
  const [engineAfter, parentAfter] = [await bytesOf(model.processId), await bytesOf('self')]
  return {
    engineRead: engineAfter.read - engine.read,
    engineWritten: engineAfter.written - engine.written,
    parentRead: parentAfter.read - parent.read,
    parentWritten: parentAfter.written - parent.written,
  }
}

/** The fixture's adapter with a rank of 256 in place of 4: its matrices again and again, and alpha so that it stays small. */
async function bigAdapter(): Promise<string> {
  const folder = await temporaryFolder()
  const source = join(fixtures, golden.adapters.find((a) => a.name === 'plain')?.folder ?? '')
  await cp(source, folder, { recursive: true })
  const configFile = join(folder, 'adapter_config.json')
  const config = JSON.parse(await readFile(configFile, 'utf8'))
  await writeFile(configFile, JSON.stringify({ ...config, r: 256 }))
  await using file = await openSafetensors(join(source, 'adapter_model.safetensors'))
  const tensors = []
  for (const { name, shape } of file.tensors.values()) {
    const { data } = await file.readFloat32(name)
    const isA = name.includes('lora_A')
    const [rows = 0, columns = 0] = isA ? [256, shape[1]] : [shape[0], 256]
    const large = Float32Array.from(
      { length: rows * columns },
      (_, i) => data[i % data.length] ?? 0,
    )
    tensors.push({ name, dtype: 'F32' as const, shape: [rows, columns], data: large })
  }
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors)
  return folder
}
