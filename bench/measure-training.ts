import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compose } from '../packages/inference/dist/index.js'
import { type Method, openTrainer } from '../packages/training/dist/index.js'
import { type Figure, figureOf, type SectionResult } from './figure.ts'
import { spread, timed } from './numbers.ts'
import { reasonOf } from './peers/find-peers.ts'
import { inTurns } from './peers/in-turns.ts'
import { openTrainingPeer, type TrainingContestant } from './peers/training-peer.ts'
import { targets } from './targets.ts'

export interface TrainingOptions {
  /** A model of the 0.5B shape. */
  readonly base: string
  readonly rounds: number
  readonly isQuick: boolean
  readonly report: (line: string) => void
}

export interface TrainingWorkload {
  readonly title: string
  readonly base: string
  readonly method: 'lora' | 'full'
  readonly rank: number
  readonly objective: 'sft' | 'dpo'
  readonly recompute: boolean
  readonly nRows: number
  readonly nTokens: number
  /** Tokens of the model's vocabulary to take from. */
  readonly vocabSize: number
  /** Steps of one measurement. */
  readonly nSteps: number
  readonly isHeldToMemory: boolean
  readonly isQuick: boolean
}

/** Training steps beside PyTorch and PEFT on the same model and tokens: one at a time, in turns. */
export async function measureTraining(options: TrainingOptions): Promise<SectionResult> {
  const figures: Figure[] = []
  const notes: string[] = []
  for (const workload of workloadsOf(options)) {
    options.report(workload.title)
    if (!existsSync(join(workload.base, 'config.json'))) {
      notes.push(`${workload.title}: its model is not there; skipped`)
      continue
    }
    const found = await measure(workload, options)
    figures.push(...found.figures)
    notes.push(...found.notes)
  }
  return {
    title: 'Training: forward, backward, clipping and AdamW, float32, beside PyTorch and PEFT',
    figures,
    notes: [
      `Both have ${availableParallelism()} threads, and only one works at a time. A ratio of speeds is PyTorch's time over ours in the same round; one of memory is our process's peak over PyTorch's, loading included.`,
      'The process that drives our trainer holds no weights and is not counted; PyTorch has one process.',
      ...new Set(notes),
    ],
  }
}

function workloadsOf({ base, isQuick }: TrainingOptions): TrainingWorkload[] {
  const assets = fileURLToPath(new URL('../packages/miniature/assets', import.meta.url))
  const small = {
    base: join(assets, 'models/coherent'),
    rank: 8,
    recompute: false,
    vocabSize: 400,
    nSteps: isQuick ? 1 : 10,
    isHeldToMemory: false,
    isQuick,
  }
  const large = {
    base,
    isQuick,
    method: 'lora',
    rank: 32,
    objective: 'sft',
    nRows: 1,
    vocabSize: 150_000,
  } as const
  const size = { nTokens: isQuick ? 32 : 512, nSteps: 1 }
  return [
    {
      ...small,
      title: 'miniature, all weights, 32 x 96',
      method: 'full',
      objective: 'sft',
      nRows: 32,
      nTokens: 96,
    },
    {
      ...small,
      title: 'miniature, LoRA rank 8, 16 x 48',
      method: 'lora',
      objective: 'sft',
      nRows: 16,
      nTokens: 48,
    },
    {
      ...small,
      title: 'miniature, DPO with LoRA rank 8, 16 pairs x 48',
      method: 'lora',
      objective: 'dpo',
      nRows: 32,
      nTokens: 48,
    },
    {
      ...large,
      ...size,
      title: '0.5B shape, LoRA rank 32, 1 x 512, recomputed',
      recompute: true,
      isHeldToMemory: true,
    },
    {
      ...large,
      ...size,
      title: '0.5B shape, LoRA rank 32, 1 x 512',
      recompute: false,
      isHeldToMemory: false,
    },
  ]
}

async function measure(workload: TrainingWorkload, { rounds, report }: TrainingOptions) {
  await using stack = new AsyncDisposableStack()
  const ours = stack.use(await openOurs(workload))
  const notes: string[] = []
  let peer: TrainingContestant | undefined
  try {
    peer = stack.use(await openTrainingPeer(workload, availableParallelism()))
  } catch (error) {
    notes.push(
      `PyTorch: skipped, ${reasonOf(error)}. To install it: npm run bench:peers transformers`,
    )
    report(notes[0] as string)
  }
  const all = peer === undefined ? [ours] : [ours, peer]
  const losses: number[] = []
  const loaded: number[] = []
  const times = await inTurns(
    all.map((one) => ({
      label: one.name,
      owner: one.name,
      rounds: workload.isQuick ? rounds : Math.max(rounds, 5),
      warmUp: async () => {
        loaded.push(await one.peakBytes())
        losses.push(await one.step(0))
      },
      measure: async () => ({ all: (await timed(() => steps(one, workload.nSteps))).ms }),
    })),
    new Set(),
    report,
  )
  notes.push(...times.failures)
  const [own, other] = losses
  // Of a fresh adapter, or of the weights as they are: both start from the same loss.
  if (own !== undefined && other !== undefined && !(Math.abs(own - other) < 1e-2))
    notes.push(`${workload.title}: DISAGREES, the first loss is ${own} here and ${other} there`)
  return { figures: await figuresOf(workload, all, times.rounds, loaded), notes }
}

async function steps(one: TrainingContestant, n: number): Promise<void> {
  for (let i = 0; i < n; i++) await one.step(i)
}

async function figuresOf(
  { title, nRows, nTokens, nSteps, isHeldToMemory }: TrainingWorkload,
  all: readonly TrainingContestant[],
  rounds: Awaited<ReturnType<typeof inTurns>>['rounds'],
  /** Peaks after loading, in the order of `all`. */
  loaded: readonly number[],
): Promise<Figure[]> {
  const figures: Figure[] = []
  const peaks: number[] = []
  for (const [i, one] of all.entries()) {
    const ms = rounds.flatMap((round) => round[one.name]?.['all'] ?? [])
    if (ms.length === 0) continue
    const speeds = ms.map((value) => (nRows * nTokens * nSteps * 1000) / value)
    figures.push(figureOf(`${title}, ${one.name}`, 'tokens/s', spread(speeds)))
    peaks.push(await one.peakBytes())
    figures.push({
      name: `${title}, ${one.name}, peak memory`,
      value: peaks.at(-1) ?? 0,
      unit: 'bytes',
    })
    // Where this is as much as the peak, loading is what is compared.
    figures.push({
      name: `${title}, ${one.name}, peak memory before the first step`,
      value: loaded[i] ?? 0,
      unit: 'bytes',
    })
  }
  const [ours, peer] = all
  if (ours === undefined || peer === undefined) return figures
  const ratios = rounds.flatMap((round) => {
    const [a, b] = [round[ours.name]?.['all'], round[peer.name]?.['all']]
    return a === undefined || b === undefined ? [] : [b / a]
  })
  if (ratios.length === 0) return figures
  const [own, other] = peaks as [number, number]
  const held = isHeldToMemory ? { target: targets.trainingMemory } : {}
  return [
    ...figures,
    figureOf(`${title}: speed over PyTorch's`, 'x', spread(ratios), targets.trainingSpeed),
    { name: `${title}: memory over PyTorch's`, value: own / other, unit: 'x', ...held },
  ]
}

async function openOurs(workload: TrainingWorkload): Promise<TrainingContestant> {
  const { base, method: kind, rank, objective, recompute, nRows } = workload
  const composition = await compose({ base })
  const method: Method =
    kind === 'full'
      ? { type: 'full' }
      : { type: 'lora', rank, alpha: 2 * rank, targetModules: 'all-linear' }
  const common = { composition, method, recompute }
  const data = (step: number) => sequencesOf(workload, step)
  if (objective === 'sft') {
    const trainer = await openTrainer({ ...common, objective: { type: 'sft' } })
    return contestant(trainer, async (step) => (await trainer.step([data(step)], rate)).loss)
  }
  const trainer = await openTrainer({ ...common, objective: { type: 'dpo' } })
  const pairs = (step: number) => {
    const all = data(step)
    return Array.from({ length: nRows / 2 }, (_, i) => ({
      chosen: all[i] as (typeof all)[number],
      rejected: all[i + nRows / 2] as (typeof all)[number],
      reference: { chosen: 0, rejected: 0 },
    }))
  }
  return contestant(trainer, async (step) => (await trainer.step([pairs(step)], rate)).loss)
}

const rate = { learningRate: 1e-4 }

function contestant(
  trainer: AsyncDisposable & { memory(): Promise<{ readonly peakRssBytes: number }> },
  step: (index: number) => Promise<number>,
): TrainingContestant {
  return {
    name: '@cem/training',
    step,
    peakBytes: async () => (await trainer.memory()).peakRssBytes,
    [Symbol.asyncDispose]: () => trainer[Symbol.asyncDispose](),
  }
}

/** Rows of one length, every token of which but the first counts. */
export function sequencesOf({ nRows, nTokens, vocabSize }: TrainingWorkload, step: number) {
  const positions = Array.from({ length: nTokens }, (_, t) => t)
  return Array.from({ length: nRows }, (_, row) => ({
    tokens: positions.map((t) => (t * 7919 + step * 31 + row * 17) % vocabSize),
    weights: positions.map((t) => (t === 0 ? 0 : 1)),
  }))
}
