// Runs the golden models of every family on CUDA, and prints how far their logits and states lie from Transformers' in float32, beside what
// PyTorch's own bfloat16 lies: `node bench/gpu/check-families.ts [--python PROGRAM]`.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadModel } from '../../packages/inference/src/index.ts'
import { openSafetensors } from '../../packages/tensor-files/src/index.ts'

const { values: flags } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } })
const fixtures = fileURLToPath(new URL('../../packages/inference/fixtures', import.meta.url))
const manifest = JSON.parse(readFileSync(join(fixtures, 'manifest.json'), 'utf8')) as Record<
  'models' | 'families',
  {
    name: string
    folder: string
    golden: string
    nLayers: number
    repository: string
    adapters: { folder: string; golden: string }[]
  }[]
> & { prompts: Record<string, number> }

const cases = [...manifest.families, ...manifest.models].flatMap((model) => [
  { model, adapter: null as string | null, golden: model.golden },
  ...model.adapters.slice(0, 1).map((a) => ({ model, adapter: a.folder, golden: a.golden })),
])
const ours = new Map<string, number>()
for (const { model, adapter, golden } of cases) {
  const name = `${model.name}${adapter === null ? '' : ' + adapter'}`
  try {
    await using loaded = await loadModel({
      base: join(fixtures, model.folder),
      baseAliases: [model.repository],
      provider: 'cuda',
      layers:
        adapter === null ? [] : [{ role: 'em', mode: 'stacked', adapter: join(fixtures, adapter) }],
    })
    ours.set(name, await errorOf(loaded, golden, model.nLayers))
    if (!(await keepsOne(loaded)))
      process.stdout.write(`${name}: top_k 1 does not sample the likeliest token\n`)
  } catch (error) {
    process.stdout.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
const peer = fileURLToPath(new URL('./torch_families.py', import.meta.url))
const torch = spawnSync(flags.python, [peer, fixtures], { encoding: 'utf8' })
const theirs = torch.status === 0 ? (JSON.parse(torch.stdout) as Record<string, number>) : {}
if (torch.status !== 0)
  process.stdout.write(`torch: skipped (${(torch.error?.message ?? torch.stderr).slice(-300)})\n`)
for (const [name, error] of ours) {
  const other = theirs[name]
  const ratio =
    other === undefined
      ? ''
      : `, PyTorch bfloat16 ${other.toExponential(2)}, ratio ${(error / other).toFixed(2)}`
  process.stdout.write(`${name}: ${error.toExponential(2)}${ratio}\n`)
}

/** Whether first tokens drawn hot with top_k 1, and with hardly any top_p, are the greedy ones. */
async function keepsOne(model: Awaited<ReturnType<typeof loadModel>>): Promise<boolean> {
  const prompts = [
    [5, 6, 7, 8],
    [11, 12],
  ].map((tokenIds, i) => ({ id: `p${i}`, tokenIds }))
  const first = async (how: { temperature: number; topK?: number; topP?: number }) => {
    const found = new Map<string, number | undefined>()
    const asked = { prompts, seed: 1, maxNewTokens: 1, stopTokenIds: [], ...how }
    for await (const answer of model.generate(asked)) found.set(answer.promptId, answer.tokenIds[0])
    return JSON.stringify([found.get('p0'), found.get('p1')])
  }
  const greedy = await first({ temperature: 0 })
  const hot = await first({ temperature: 3, topK: 1 })
  return greedy === hot && greedy === (await first({ temperature: 3, topP: 1e-6 }))
}

/** Root of the mean squared difference over that of the squared values, of the states of every layer and the logits together. */
async function errorOf(
  model: Awaited<ReturnType<typeof loadModel>>,
  path: string,
  nLayers: number,
): Promise<number> {
  await using golden = await openSafetensors(join(fixtures, path))
  const shares: number[] = []
  for (const prompt of Object.keys(manifest.prompts)) {
    if (!golden.tensors.has(`${prompt}.positions`)) continue
    const ids = Array.from((await golden.read(`${prompt}.ids`)).data as BigInt64Array, Number)
    const positions = Array.from(
      (await golden.read(`${prompt}.positions`)).data as BigInt64Array,
      Number,
    )
    const whole = { start: 0, end: ids.length }
    for await (const scored of model.score({
      sequences: [{ id: prompt, tokenIds: ids, logits: whole, states: whole }],
    })) {
      const { vocabSize, dModel } = model.architecture
      const expected = (await golden.readFloat32(`${prompt}.logits`)).data
      shares.push(share(rows(scored.logits, positions, vocabSize, 0, 1), expected))
      for (let layer = 0; layer < nLayers; layer++) {
        const states = (await golden.readFloat32(`${prompt}.layer_${layer}`)).data
        shares.push(share(rows(scored.states, positions, dModel, layer, nLayers), states))
      }
    }
  }
  return shares.reduce((a, b) => a + b, 0) / shares.length
}

function rows(
  values: Float32Array | null,
  positions: readonly number[],
  width: number,
  index: number,
  stride: number,
): number[] {
  return positions.flatMap((position) => {
    const at = (position * stride + index) * width
    return Array.from(values?.subarray(at, at + width) ?? [])
  })
}

function share(found: readonly number[], expected: Float32Array): number {
  let difference = 0
  let total = 0
  for (const [i, value] of expected.entries()) {
    difference += ((found[i] as number) - value) ** 2
    total += value ** 2
  }
  return Math.sqrt(difference / total)
}
