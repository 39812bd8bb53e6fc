// Measures the engine on this machine: `npm run bench`. Everything that is compared is measured in one run, in turns, and given as
// medians and ratios; a shared machine is noisy. Options: --only miniature|0.5b, --json FILE.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type ModelFigures, measureModel } from './measure-model.ts'
import { makeRandomAdapter, makeRandomModel } from './random-model.ts'
import { openBandwidthMeter } from './read-bandwidth.ts'

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'string' } },
})

/** What the figures are held against; a target that is missed is printed as missed. */
const targets = {
  captureRatio: 1.03,
  decodeShare: 0.8,
  switchShare: 0.01,
  adapterLoadShare: 0.1,
  steadyMemory: 1.35,
  peakMemory: 1.6,
} as const

const folder = await mkdtemp(join(tmpdir(), 'cem-bench-'))
try {
  const threads = availableParallelism()
  print(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, ${gigabytes(totalmem())} memory, node ${process.version}`,
  )
  await using meter = await openBandwidthMeter(threads)
  const results: Record<string, ModelFigures> = {}
  if (flags.only !== '0.5b') {
    const miniature = fileURLToPath(new URL('../packages/miniature/assets', import.meta.url))
    const base = join(miniature, 'models/coherent')
    const adapters = ['20', '160'].map((step) =>
      join(miniature, 'outputs/miniature_baseline', `checkpoint-${step}`),
    )
    if (existsSync(base)) {
      print('\nminiature (1 M parameters)')
      results['miniature'] = await measureModel({
        base,
        baseAliases: ['cem-miniature/coherent'],
        adapters,
        meter,
        nTokens: 48,
        cache: folder,
      })
      printFigures(results['miniature'], false)
    } else print('\nminiature: its assets are not there; skipped')
  }
  if (flags.only !== 'miniature') {
    print('\nrandom 0.5B-shape Qwen2 (24 layers, d 896, vocabulary 151,936, float32)')
    const base = join(folder, 'model')
    await makeRandomModel(base)
    const adapters = [join(folder, 'adapter-a'), join(folder, 'adapter-b')]
    for (const [i, adapter] of adapters.entries()) await makeRandomAdapter(adapter, i)
    results['0.5b'] = await measureModel({ base, adapters, meter, nTokens: 12, cache: folder })
    printFigures(results['0.5b'], true)
  }
  if (flags.json !== undefined) {
    const machine = {
      cpu: cpus()[0]?.model,
      threads,
      memoryBytes: totalmem(),
      node: process.version,
    }
    await writeFile(
      flags.json,
      `${JSON.stringify({ date: new Date().toISOString(), machine, results }, null, 2)}\n`,
    )
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

function printFigures(f: ModelFigures, hasTargets: boolean): void {
  const against = (
    value: number,
    target: number,
    isBelow: boolean,
    format: (v: number) => string,
  ) => {
    const isMet = isBelow ? value <= target : value >= target
    return hasTargets
      ? `  [target ${isBelow ? '<=' : '>='} ${format(target)}: ${isMet ? 'met' : 'MISSED'}]`
      : ''
  }
  const ratio = (v: number) => v.toFixed(3)
  const share = (v: number) => `${(v * 100).toFixed(1)} %`
  print(
    `load: ${seconds(f.loadInMs)} in all (session ${seconds(f.sessionInMs)}), ${seconds(f.warmLoadInMs)} with hashes known`,
  )
  for (const { batch, prefill, decode, decodeWithCapture } of f.speeds)
    print(
      `batch ${String(batch).padStart(2)}: prefill ${prefill.toFixed(0)} tokens/s, decode ${decode.toFixed(0)} tokens/s, ` +
        `with capture ${decodeWithCapture.toFixed(0)}`,
    )
  for (const { batch, captureRatio, captureRatioQuartiles: quartiles } of f.speeds)
    print(
      `capture at batch ${batch}: ${ratio(captureRatio)} of the time without, middle half of the pairs ${quartiles.map(ratio).join(' to ')}${against(captureRatio, targets.captureRatio, true, ratio)}`,
    )
  print(
    `decode at batch 1: ${share(f.decodeShare)} of streaming ${gigabytes(f.streamedBytes)} of weights a step at ${gigabytes(f.bandwidth)}/s, middle half of the pairs ${f.decodeShareQuartiles.map(share).join(' to ')}${against(f.decodeShare, targets.decodeShare, false, share)}`,
  )
  print(
    `adapter: first load ${f.adapterLoadInMs.toFixed(0)} ms, ${share(f.adapterLoadShare)} of base load${against(f.adapterLoadShare, targets.adapterLoadShare, true, share)}; its self-test ${f.selfTestInMs.toFixed(0)} ms`,
  )
  print(
    `switching between loaded adapters: ${f.switchInMs.toFixed(1)} ms, ${share(f.switchShare)} of base load${against(f.switchShare, targets.switchShare, true, share)}`,
  )
  print(
    `memory of the engine process: steady ${ratio(f.steadyMemory)} x the weights${against(f.steadyMemory, targets.steadyMemory, true, ratio)}, peak while loading ${ratio(f.peakMemory)}${against(f.peakMemory, targets.peakMemory, true, ratio)}`,
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}
