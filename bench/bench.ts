// Measures the engine on this machine, alone and beside its peers: `npm run bench` (README.md). Everything that is compared is
// measured in one run, in turns, and given as medians and ratios; a shared machine is noisy.
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, runtimeInfo } from '../packages/inference/dist/index.js'
import { type Figure, formatBytes, formatFigure, type SectionResult } from './figure.ts'
import { readFlags, type SectionName } from './flags.ts'
import { int8Figures } from './int8-figures.ts'
import { measureCheckpoints } from './measure-checkpoints.ts'
import { measureInt8 } from './measure-int8.ts'
import { measureModel } from './measure-model.ts'
import { measurePeers } from './measure-peers.ts'
import { measureStart } from './measure-start.ts'
import { measureTraining } from './measure-training.ts'
import { modelFigures } from './model-figures.ts'
import { reasonOf } from './peers/find-peers.ts'
import { makeRandomAdapter, makeRandomModel } from './random-model.ts'
import { openBandwidthMeter } from './read-bandwidth.ts'
import { type BenchResult, record } from './record.ts'

const flags = readFlags(process.argv.slice(2))
const begun = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'cem-bench-'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
// 7 GB must not stay behind, however this ends.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

try {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown processor',
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    onnxRuntime: (await runtimeInfo()).version,
  }
  print(
    `${machine.cpu}, ${machine.threads} threads, ${formatBytes(machine.memoryBytes)} memory, node ${machine.node}, ONNX Runtime ${machine.onnxRuntime}`,
  )
  const base = join(folder, 'model')
  const adapters = Array.from({ length: 6 }, (_, i) => join(folder, `adapter-${i}`))
  if (flags.only.some((name) => name !== 'miniature')) {
    const size = flags.isQuick ? { nLayers: 2 } : {}
    await makeRandomModel(base, size)
    for (const [i, adapter] of adapters.entries()) await makeRandomAdapter(adapter, i, size)
  }
  const sections: Record<string, SectionResult> = {}
  for (const name of flags.only) {
    print(`\n${name} (${minutes()} since the start)`)
    sections[name] = await runSection(name, base, adapters)
  }
  const result: BenchResult = {
    date: new Date().toISOString(),
    machine,
    durationInMinutes: (performance.now() - begun) / 60_000,
    isQuick: flags.isQuick,
    rounds: flags.rounds,
    sections,
  }
  print(`\n${minutes()} in all${flags.isQuick ? '; --quick: the figures mean nothing' : ''}`)
  if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(result, null, 2)}\n`)
  if (flags.isRecorded) for (const path of await record(result)) print(`wrote ${path}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** A section that fails is reported, and the others go on. */
async function runSection(
  name: SectionName,
  base: string,
  adapters: readonly string[],
): Promise<SectionResult> {
  let result: SectionResult
  try {
    result = await sectionOf(name, base, adapters)
  } catch (error) {
    process.exitCode = 1
    result = { title: name, figures: [], notes: [`failed: ${reasonOf(error)}`] }
  }
  // Of two layers and a few tokens nothing is promised.
  if (flags.isQuick) result = { ...result, figures: result.figures.map(withoutTarget) }
  print(result.title)
  for (const figure of result.figures) print(`  ${formatFigure(figure)}`)
  for (const note of result.notes) print(`  ${note}`)
  return result
}

async function sectionOf(
  name: SectionName,
  base: string,
  adapters: readonly string[],
): Promise<SectionResult> {
  const { isQuick, rounds } = flags
  const report = (line: string) => print(`  [${minutes()}] ${line}`)
  const adapter = adapters[0] as string
  switch (name) {
    case 'miniature':
      return miniature()
    case 'engine':
      return engine(base, adapters)
    case 'int8':
      return int8(base)
    case 'start':
      return measureStart({ base, folder, rounds: isQuick ? 1 : Math.max(3, rounds) })
    case 'checkpoints':
      return measureCheckpoints({
        base,
        adapters,
        cache: join(folder, 'checkpoint-cache'),
        nSamples: isQuick ? 4 : 50,
        nNew: isQuick ? 4 : 32,
      })
    case 'training':
      return measureTraining({ base, rounds, isQuick, report })
    case 'peers':
      return measurePeers({
        base,
        adapter,
        cache: folder,
        folder,
        peers: flags.peers,
        workloads: flags.workloads,
        rounds,
        isQuick,
        report,
      })
  }
}

async function miniature(): Promise<SectionResult> {
  const assets = fileURLToPath(new URL('../packages/miniature/assets', import.meta.url))
  const base = join(assets, 'models/coherent')
  const title = 'Miniature (1 M parameters)'
  if (!existsSync(base)) return { title, figures: [], notes: ['its assets are not there; skipped'] }
  await using meter = await openBandwidthMeter(availableParallelism())
  const figures = await measureModel({
    base,
    baseAliases: ['cem-miniature/coherent'],
    adapters: ['20', '160'].map((step) =>
      join(assets, 'outputs/miniature_baseline', `checkpoint-${step}`),
    ),
    meter,
    nTokens: flags.isQuick ? 8 : 48,
    cache: folder,
    ...(flags.isQuick ? { nPairs: 2 } : {}),
  })
  return { title, figures: modelFigures(figures, false), notes: [] }
}

async function engine(base: string, adapters: readonly string[]): Promise<SectionResult> {
  await using meter = await openBandwidthMeter(availableParallelism())
  const figures = await measureModel({
    base,
    adapters: adapters.slice(0, 2),
    meter,
    nTokens: flags.isQuick ? 4 : 12,
    cache: folder,
    ...(flags.isQuick ? { nPairs: 1, batches: [1, 8] } : {}),
  })
  return {
    title: 'Engine alone, random 0.5B-shape Qwen2 (24 layers, d 896, vocabulary 151,936, float32)',
    figures: modelFigures(figures, true),
    notes: [],
  }
}

async function int8(base: string): Promise<SectionResult> {
  await using reference = await loadModel({ base, cache: folder })
  const found = await measureInt8({ reference, nTokens: flags.isQuick ? 4 : 12, cache: folder })
  return {
    title: 'Weights in 8 bits against 32-bit floats, in turns, random 0.5B-shape Qwen2',
    figures: int8Figures(found),
    notes: [],
  }
}

function minutes(): string {
  return `${((performance.now() - begun) / 60_000).toFixed(1)} min`
}

function withoutTarget(figure: Figure): Figure {
  const { name, value, unit } = figure
  return { name, value, unit }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
