import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ChatMessage, loadModel, type Model } from '@cem/inference'
import { miniatureFolder } from '@cem/miniature'
import { openSafetensors, type SafetensorsFile } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** What Transformers and PEFT compute for the shipped models, made by packages/miniature/origin/golden/miniature.py. */
const golden = fileURLToPath(new URL('../../../packages/miniature/golden', import.meta.url))

const manifest = JSON.parse(readFileSync(join(golden, 'manifest.json'), 'utf8')) as {
  readonly prompts: Readonly<
    Record<
      string,
      {
        readonly messages: readonly ChatMessage[]
        readonly ids: readonly number[]
      }
    >
  >
  readonly cases: readonly {
    readonly name: string
    readonly base: string
    readonly layers: readonly { readonly adapter: string; readonly mode: 'stacked' | 'merged' }[]
    readonly prompts: readonly string[]
  }[]
}

/** Largest difference as a share of the layer's largest value: the parity that the engine promises on CPU in f32. */
const tolerance = 2e-4

let cache: string
let values: SafetensorsFile
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-golden-'))
  values = await openSafetensors(join(golden, 'golden.safetensors'))
})
afterAll(async () => {
  await values[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

describe.each(['coherent', 'control'])('the %s base, as Transformers runs it', (kind) => {
  let model: Model
  beforeAll(async () => {
    const base = join(miniatureFolder(), 'models', kind)
    model = await loadModel({ base, baseAliases: [`cem-miniature/${kind}`], cache })
  })
  afterAll(() => model[Symbol.asyncDispose]())

  test.each(Object.entries(manifest.prompts))('tokenizes the chat %s alike', (_, prompt) => {
    expect(model.tokenizer.encodeChat(prompt.messages)).toEqual(prompt.ids)
  })

  const cases = manifest.cases.filter((c) => c.base === `models/${kind}`)
  test('has every checkpoint among its cases', () => {
    expect(cases.filter(({ name }) => /-(10|20|40|80|160)$/.test(name))).toHaveLength(
      kind === 'coherent' ? 20 : 5,
    )
  })

  test.each(cases)('$name: logits and every layer', async ({ name, layers, prompts }) => {
    await model.switchTo(
      layers.map(({ adapter, mode }) => ({
        role: 'em' as const,
        mode,
        adapter: join(miniatureFolder(), adapter),
      })),
    )
    for (const prompt of prompts) expect(await drifts(model, name, prompt)).toEqual([])
  })

  test('with the adapters off it is the base again, to the bit', async () => {
    const adapter = cases.flatMap(({ layers }) => layers)[0]?.adapter ?? ''
    await model.switchTo([])
    const plain = await lastLogits(model)
    const layer = { role: 'em' as const, adapter: join(miniatureFolder(), adapter) }
    await model.switchTo([{ ...layer, mode: 'stacked' }])
    expect(await lastLogits(model)).not.toEqual(plain)
    await model.switchTo([{ ...layer, mode: 'off' }])
    expect(await lastLogits(model)).toEqual(plain)
  })
})

/** What differs by more than the tolerance. */
async function drifts(model: Model, name: string, prompt: string) {
  const ids = idsOf(prompt)
  const logits = await values.readFloat32(`${name}.${prompt}.logits`)
  const [rows = 0, vocabSize = 0] = logits.shape
  const last = { start: ids.length - rows, end: ids.length }
  const sequences = [{ id: prompt, tokenIds: ids, logits: last, states: last }]
  const found: { what: string; value: number }[] = []
  for await (const scored of model.score({ sequences })) {
    const { nLayers, dModel } = model.architecture
    expect(scored.logits).toHaveLength(rows * vocabSize)
    found.push({ what: 'logits', value: drift(scored.logits ?? [], logits.data) })
    for (let layer = 0; layer < nLayers; layer++) {
      const { data } = await values.readFloat32(`${name}.${prompt}.layer_${layer}`)
      const ours = Array.from({ length: rows }, (_, row) => {
        const start = (row * nLayers + layer) * dModel
        return Array.from(scored.states?.subarray(start, start + dModel) ?? [])
      })
      found.push({ what: `layer ${layer}`, value: drift(ours.flat(), data) })
    }
  }
  expect(found).toHaveLength(model.architecture.nLayers + 1)
  return found.filter(({ value }) => !(value <= tolerance))
}

async function lastLogits(model: Model): Promise<number[]> {
  const ids = idsOf('short')
  const last = { start: ids.length - 1, end: ids.length }
  const found: number[] = []
  for await (const scored of model.score({
    sequences: [{ id: 'short', tokenIds: ids, logits: last }],
  }))
    found.push(...(scored.logits ?? []))
  expect(found).toHaveLength(model.architecture.vocabSize)
  return found
}

function idsOf(prompt: string): readonly number[] {
  const ids = manifest.prompts[prompt]?.ids
  if (ids === undefined) throw new Error(`no prompt ${prompt}`)
  return ids
}

/** max |a - b| / max |b|, and Infinity where the lengths differ. */
function drift(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  const largest = Math.max(...Array.from(b, Math.abs))
  const differences = Array.from(b, (y, i) => Math.abs((a[i] as number) - y))
  return differences.some(Number.isNaN)
    ? Number.POSITIVE_INFINITY
    : Math.max(...differences) / largest
}
