// Runs the shape of Qwen2.5-7B on an NVIDIA GPU, and holds it to Transformers: `node bench/gpu/bench-gpu.ts`. Options: --shape, --prompts,
// --samples, --tokens, --rank (of a random adapter, 0 for none), --folder FOLDER (the model's, 15 GB; kept), --json FILE,
// --python PROGRAM (with torch and transformers; skipped where it has none), --only errors|speed.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type GenerateOptions, loadModel } from '../../packages/inference/src/index.ts'
import { makeAdapter, makeModel, type ShapeName, shapes } from './make-model.ts'

const { values: flags } = parseArgs({
  options: {
    shape: { type: 'string', default: '7b' },
    prompts: { type: 'string', default: '8' },
    samples: { type: 'string', default: '50' },
    tokens: { type: 'string', default: '600' },
    rank: { type: 'string', default: '32' },
    folder: { type: 'string' },
    json: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    'torch-speed': { type: 'boolean', default: false },
  },
})
const [nPrompts, nSamples, nTokens, rank] = [
  flags.prompts,
  flags.samples,
  flags.tokens,
  flags.rank,
].map(Number) as [number, number, number, number]
const shape = flags.shape as ShapeName
const folder = flags.folder ?? mkdtempSync(join(tmpdir(), 'cem-gpu-'))
const results: Record<string, unknown> = {
  date: new Date().toISOString(),
  node: process.version,
  gpu: nvidia('name,driver_version,memory.total'),
  shape,
  nPrompts,
  nSamples,
  nTokens,
  rank,
}
print(
  `${String(results['gpu'])}; ${shape}, ${nPrompts} prompts x ${nSamples} samples x ${nTokens} tokens, adapter of rank ${rank}`,
)

if (!existsSync(join(folder, 'model.safetensors'))) await makeModel(folder, shape)
const adapter = join(folder, `adapter-${rank}`)
if (rank > 0) makeAdapter(adapter, shape, rank)

const before = performance.now()
await using model = await loadModel({
  base: folder,
  provider: 'cuda',
  layers: rank > 0 ? [{ role: 'em', mode: 'stacked', adapter }] : [],
})
results['loadInSeconds'] = (performance.now() - before) / 1000
results['sessionInSeconds'] = model.loadDurationInMs / 1000
const afterLoad = nvidia('memory.used')
results['memoryAfterLoadMiB'] = afterLoad
print(
  `load ${secondsOf(performance.now() - before)} in all, session ${secondsOf(model.loadDurationInMs)}; memory ${afterLoad} MiB; nodes ${JSON.stringify(model.placement?.nNodes)}, on the CPU ${JSON.stringify(model.placement?.onCpu)}`,
)
for (const layer of model.selfTest.layers)
  print(`self-test: ${layer.role} ${layer.status}, effect ${layer.effect.toExponential(2)}`)

/** Token ids without a pattern. */
const promptIds = (prompt: number) =>
  Array.from({ length: 64 }, (_, i) => 3 + ((prompt * 7919 + i * 104729 + prompt * i * 31) % 1000))
const prompts = Array.from({ length: nPrompts }, (_, i) => ({
  id: `p${i}`,
  tokenIds: promptIds(i),
  samples: nSamples,
}))
async function answers(
  maxNewTokens: number,
  capture: boolean,
  more: Pick<GenerateOptions, 'interventions' | 'topP'> = {},
) {
  const start = performance.now()
  const found = []
  for await (const answer of model.generate({
    prompts,
    seed: 1,
    maxNewTokens,
    stopTokenIds: [],
    logprobs: true,
    ...more,
    ...(capture ? { capture: {} } : {}),
  }))
    found.push(answer)
  return { found, seconds: (performance.now() - start) / 1000 }
}
await answers(2, true)
const rounds = []
for (let round = 0; round < 2; round++) {
  const { found, seconds } = await answers(nTokens, true)
  const total = found.reduce((sum, answer) => sum + answer.tokenIds.length, 0)
  rounds.push({ seconds, tokensPerSecond: total / seconds, first: found })
  print(
    `round ${round}: ${seconds.toFixed(2)} s, ${(total / seconds).toFixed(0)} tokens/s, ${((seconds / nTokens) * 1000).toFixed(1)} ms a step; memory ${nvidia('memory.used')} MiB`,
  )
}
results['memoryMiB'] = nvidia('memory.used')
const steered = await answers(nTokens, true, {
  interventions: [
    {
      kind: 'add',
      layers: [Math.floor(shapes[shape].nLayers / 2)],
      direction: new Float32Array(shapes[shape].dModel).fill(1),
      coefficient: 1,
    },
  ],
})
results['steeredSeconds'] = steered.seconds
print(`with a direction added at one layer: ${steered.seconds.toFixed(2)} s`)
const truncated = await answers(Math.min(nTokens, 100), true, { topP: 0.95 })
results['topPSecondsOf100Tokens'] = truncated.seconds
print(`with top_p 0.95, at most 100 tokens: ${truncated.seconds.toFixed(2)} s`)
const [a, b] = rounds as [(typeof rounds)[number], (typeof rounds)[number]]
const same = a.first.filter((x, i) => x.tokenIds.join() === b.first[i]?.tokenIds.join()).length
const firstDifference = Math.min(
  ...a.first.map((x, i) => {
    const at = x.tokenIds.findIndex((t, j) => t !== b.first[i]?.tokenIds[j])
    return at === -1 ? Number.POSITIVE_INFINITY : at
  }),
)
print(
  `${same} of ${a.first.length} answers are the same in both rounds; first difference at token ${firstDifference}`,
)
Object.assign(results, {
  sameAnswers: same,
  tokensPerSecond: b.tokensPerSecond,
  seconds: b.seconds,
})
const { nLayers, nKvHeads, headDim, dModel, dFeedForward, vocabSize, nHeads } = shapes[shape]
const stepBytes =
  2 *
  (nLayers * (dModel * headDim * (2 * nHeads + 2 * nKvHeads) + 3 * dModel * dFeedForward) +
    vocabSize * dModel +
    2 * nLayers * nKvHeads * headDim * nPrompts * nSamples * (64 + nTokens / 2))
const stepsPerSecond = nTokens / b.seconds
results['readBytesPerSecond'] = stepBytes * stepsPerSecond
print(`reads of weights, keys and values: ${((stepBytes * stepsPerSecond) / 1e12).toFixed(2)} TB/s`)

const work = mkdtempSync(join(tmpdir(), 'cem-gpu-answers-'))
const every = Math.max(1, Math.floor(a.first.length / 16))
const some = a.first.filter((_, i) => i % every === 0).slice(0, 16)
const plain = rank === 0
writeFileSync(
  join(work, 'answers.json'),
  JSON.stringify(
    some.map((x) => ({
      prompt: x.promptTokenIds,
      tokens: x.tokenIds,
      logprobs: Array.from(x.logprobs as Float32Array),
      content: Array.from(x.activations?.content as Float32Array),
    })),
  ),
)
await model[Symbol.asyncDispose]()
const peer = fileURLToPath(new URL('./torch_peer.py', import.meta.url))
const torch = spawnSync(
  flags.python,
  [
    peer,
    folder,
    '--answers',
    join(work, 'answers.json'),
    ...(plain ? [] : ['--adapter', adapter]),
    ...(flags['torch-speed'] ? ['--speed', `${nPrompts},${nSamples},${nTokens}`] : []),
    '--out',
    join(work, 'torch.json'),
  ],
  { encoding: 'utf8', stdio: ['ignore', 'inherit', 'pipe'] },
)
if (torch.status === 0)
  results['torch'] = JSON.parse(readFileSync(join(work, 'torch.json'), 'utf8'))
else
  print(`torch: skipped (${torch.error?.message ?? torch.stderr.split('\n').slice(-4).join(' ')})`)
if (flags.json !== undefined) {
  mkdirSync(join(flags.json, '..'), { recursive: true })
  writeFileSync(flags.json, `${JSON.stringify(results, null, 2)}\n`)
}

function nvidia(query: string): string {
  try {
    return execFileSync('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
    }).trim()
  } catch {
    return 'no NVIDIA GPU'
  }
}

function secondsOf(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
