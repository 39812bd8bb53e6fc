import type { WorkloadName } from '../flags.ts'
import { timed } from '../numbers.ts'
import { promptOf } from '../prompts.ts'
import type { targets } from '../targets.ts'
import type { Contestant, Generation } from './contestant.ts'
import type { Turn } from './in-turns.ts'
import type { Transformers } from './transformers.ts'

/** A time: the label of a turn, and the name of its part. */
type Term = readonly [label: string, part: string]

export interface Workload {
  readonly title: string
  readonly nRows: number
  readonly nNew: number
  readonly turns: (all: readonly Contestant[], float32: Transformers | null) => Turn[]
  readonly ratios: readonly {
    readonly name: string
    readonly over: readonly Term[]
    readonly of: readonly Term[]
    readonly target?: keyof typeof targets
  }[]
}

const ours = '@cem/inference'
const peers = [
  'Transformers float32',
  'Transformers bfloat16',
  'llama.cpp f32',
  'llama.cpp q8_0',
  'transformers.js float32',
]

export interface WorkloadOptions {
  readonly workloads: readonly WorkloadName[]
  readonly rounds: number
  readonly isQuick: boolean
}

/** Prompts of 64 tokens: small batches of different prompts; a large one; and the experiment, 50 samples of one prompt. */
export function workloads({ workloads: names, rounds, isQuick }: WorkloadOptions): Workload[] {
  const nNew = isQuick ? 4 : 128
  const large = isQuick ? 4 : 50
  const all: Readonly<Record<WorkloadName, Workload[]>> = {
    small: (isQuick ? [1, 2] : [1, 8]).map((nRows) =>
      batchWorkload({ nRows, nNew, rounds, hasBases: true }),
    ),
    // It takes minutes a turn: one round, where the small ones have several.
    large: [batchWorkload({ nRows: large, nNew, rounds: Math.ceil(rounds / 3), hasBases: false })],
    experiment: [experimentWorkload({ nRows: large, nNew, rounds })],
  }
  return names.flatMap((name) => all[name])
}

/**
 * The 8-bit model is there for the small batches; and Transformers computes one prompt 50 times as it does 50 prompts, so
 * its time is the experiment's.
 */
function takesLarge(name: string): boolean {
  return name !== 'llama.cpp q8_0' && !name.startsWith('Transformers ')
}

interface Size {
  readonly nRows: number
  readonly nNew: number
  readonly rounds: number
}

function batchWorkload({ nRows, nNew, rounds, hasBases }: Size & { hasBases: boolean }): Workload {
  const prompts = Array.from({ length: nRows }, (_, row) => promptOf(row))
  return {
    title: `batch ${nRows} x ${nNew} tokens`,
    nRows,
    nNew,
    turns: (all) => {
      const taking = all.filter(({ name }) => hasBases || takesLarge(name))
      const adapted = taking.filter(({ canAdapt }) => canAdapt)
      const plain = taking.filter(
        ({ name, canAdapt, isExact }) =>
          name === ours || !canAdapt || (hasBases && isExact && name.startsWith('Transformers')),
      )
      return [
        ...adapted.map((c) => generateTurn(c, prompts, nNew, true, rounds)),
        ...plain.map((c) => generateTurn(c, prompts, nNew, false, rounds)),
      ]
    },
    ratios: [true, false].flatMap((hasAdapter) =>
      peers.map((peer) => ({
        name: `${labelOf(peer, hasAdapter)} over ${labelOf(ours, hasAdapter)}`,
        over: [[labelOf(peer, hasAdapter), 'all']] as const,
        of: [[labelOf(ours, hasAdapter), 'all']] as const,
      })),
    ),
  }
}

function experimentWorkload({ nRows, nNew, rounds }: Size): Workload {
  const prompts = Array.from({ length: nRows }, () => promptOf(0))
  const transformers = peers.slice(0, 2)
  return {
    title: `experiment: ${nRows} samples x ${nNew} tokens of one prompt, states of all layers`,
    nRows,
    nNew,
    turns: (all, float32) => {
      const taking = all.filter(({ experiment }) => experiment !== undefined)
      const core = taking.filter(({ isExact }) => isExact)
      const beside = taking.filter(({ isExact }) => !isExact)
      return [
        ...core.map((c) => experimentTurn(c, prompts, nNew, true, rounds)),
        ...beside.map((c) => experimentTurn(c, prompts, nNew, true, 1)),
        ...core.map((c) => experimentTurn(c, prompts, nNew, false, 1)),
        ...(float32 === null ? [] : [leanTurn(float32, prompts, nNew)]),
      ]
    },
    ratios: [true, false].flatMap((hasAdapter) =>
      transformers.flatMap((peer) => {
        const [label, own] = [labelOf(peer, hasAdapter), labelOf(ours, hasAdapter)]
        const isTarget = hasAdapter && peer === 'Transformers float32'
        const of: readonly Term[] = [[own, 'all']]
        return [
          {
            name: `${label} generate + extraction over ${own} fused`,
            over: [[label, 'generate'] as const, [label, 'extraction'] as const],
            of,
            ...(isTarget ? { target: 'experimentRatio' as const } : {}),
          },
          {
            name: `${label} generate alone over ${own} fused`,
            over: [[label, 'generate'] as const],
            of,
            ...(isTarget ? { target: 'generateRatio' as const } : {}),
          },
        ]
      }),
    ),
  }
}

function labelOf(name: string, hasAdapter: boolean): string {
  return hasAdapter ? `${name} + adapter` : name
}

function generateTurn(
  contestant: Contestant,
  prompts: Generation['prompts'],
  nNew: number,
  hasAdapter: boolean,
  rounds: number,
): Turn {
  const run = async (request: Generation) => {
    const { ms, value } = await timed(() => contestant.generate(request))
    return { tokens: value, times: { all: ms } }
  }
  return turn(contestant, { prompts, nNew, hasAdapter }, rounds, run)
}

function experimentTurn(
  contestant: Contestant,
  prompts: Generation['prompts'],
  nNew: number,
  hasAdapter: boolean,
  rounds: number,
): Turn {
  const experiment = contestant.experiment as NonNullable<Contestant['experiment']>
  const run = async (request: Generation) => {
    const { tokens, generateMs, extractMs } = await experiment(request)
    const times: Record<string, number> =
      extractMs === null ? { all: generateMs } : { generate: generateMs, extraction: extractMs }
    return { tokens, times }
  }
  return turn(contestant, { prompts, nNew, hasAdapter }, rounds, run)
}

/** A contestant's turn: warmed up with two tokens, then run whole. */
function turn(
  contestant: Contestant,
  { prompts, nNew, hasAdapter }: Omit<Generation, 'temperature'>,
  rounds: number,
  run: (request: Generation) => Promise<{
    readonly tokens: readonly (readonly number[])[]
    readonly times: Readonly<Record<string, number>>
  }>,
): Turn {
  const request = (n: number) => ({ prompts, nNew: n, temperature: 1, hasAdapter })
  return {
    label: labelOf(contestant.name, hasAdapter),
    owner: contestant.name,
    rounds,
    warmUp: async () => {
      await contestant.prepare(hasAdapter)
      await run(request(2))
    },
    measure: async () => {
      await contestant.prepare(hasAdapter)
      const { tokens, times } = await run(request(nNew))
      checkLengths(tokens, prompts.length, nNew)
      return times
    },
  }
}

/** The extraction as it could be: without the logits of every position, which the pipelines compute and drop. */
function leanTurn(peer: Transformers, prompts: Generation['prompts'], nNew: number): Turn {
  const nPrompt = prompts[0]?.length ?? 0
  const sequences = prompts.map((prompt, row) => [
    ...prompt,
    ...Array.from({ length: nNew }, (_, i) => (i * 53 + row * 7) % 300),
  ])
  return {
    label: `${peer.name} + adapter, extraction without logits`,
    owner: peer.name,
    rounds: 1,
    warmUp: async () => undefined,
    measure: async () => {
      const settings = { hasAdapter: true, isLean: true }
      const { ms } = await timed(() => peer.extract(sequences, nPrompt, settings))
      return { extraction: ms }
    },
  }
}

function checkLengths(rows: readonly (readonly number[])[], nRows: number, nNew: number): void {
  const wrong = rows.find((row) => row.length !== nNew)
  if (rows.length !== nRows || wrong !== undefined)
    throw new Error(
      `it gave ${rows.length} rows of ${wrong?.length ?? nNew} tokens; ${nRows} rows of ${nNew} were asked for`,
    )
}
