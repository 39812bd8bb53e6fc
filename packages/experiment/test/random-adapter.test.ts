import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomAdapter } from '../src/index.ts'

const like = fileURLToPath(
  new URL('../../inference/fixtures/gqa-6-2-tied/adapters/plain', import.meta.url),
)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-random-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Frobenius norm of B A of every module, with B A formed. */
async function norms(adapter: string): Promise<Map<string, number>> {
  await using file = await openSafetensors(join(adapter, 'adapter_model.safetensors'))
  const found = new Map<string, number>()
  for (const name of file.tensors.keys()) {
    if (!name.includes('.lora_A.')) continue
    const a = await file.readFloat32(name)
    const b = await file.readFloat32(name.replace('.lora_A.', '.lora_B.'))
    const [rank = 0, nIn = 0] = a.shape
    const [nOut = 0] = b.shape
    let squares = 0
    for (let i = 0; i < nOut; i++)
      for (let j = 0; j < nIn; j++) {
        let value = 0
        for (let k = 0; k < rank; k++)
          value += (b.data[i * rank + k] as number) * (a.data[k * nIn + j] as number)
        squares += value * value
      }
    found.set(name, Math.sqrt(squares))
  }
  return found
}

test('has the modules, the config and the norms of the adapter that it is like', async () => {
  const output = join(folder, 'one')
  await writeRandomAdapter({ like, output, seed: 1 })
  const [wanted, made] = [await norms(like), await norms(output)]
  expect(made.size).toBe(wanted.size)
  expect(made.size).toBeGreaterThan(3)
  // 16-bit storage would round to 2^-9.
  for (const [name, norm] of wanted) expect(made.get(name)).toBeCloseTo(norm, 2)
  const config = (path: string) => readFile(join(path, 'adapter_config.json'), 'utf8')
  expect(await config(output)).toBe(await config(like))
})

test('the same seed gives the same file, another seed another', async () => {
  const bytes = async (seed: number, name: string) => {
    await writeRandomAdapter({ like, output: join(folder, name), seed })
    return readFile(join(folder, name, 'adapter_model.safetensors'))
  }
  const first = await bytes(2, 'two')
  expect(first.equals(await bytes(2, 'again'))).toBe(true)
  expect(first.equals(await bytes(3, 'three'))).toBe(false)
})

test('a folder without an adapter is refused', async () => {
  await expect(
    writeRandomAdapter({ like: folder, output: join(folder, 'none') }),
  ).rejects.toMatchObject({ code: 'ENOENT' })
})
