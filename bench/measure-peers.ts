import { availableParallelism } from 'node:os'
import { type Figure, figureOf, type SectionResult } from './figure.ts'
import type { WorkloadName } from './flags.ts'
import { spread } from './numbers.ts'
import { checkAgreement } from './peers/agreement.ts'
import type { Contestant } from './peers/contestant.ts'
import { openPeers, type PeerName } from './peers/find-peers.ts'
import { inTurns, type TurnTimes } from './peers/in-turns.ts'
import { openOurEngine } from './peers/our-engine.ts'
import { type Workload, workloads } from './peers/workloads.ts'
import { targets } from './targets.ts'

export interface PeersOptions {
  readonly base: string
  readonly adapter: string
  readonly cache: string
  /** For exported models. */
  readonly folder: string
  readonly peers: readonly PeerName[]
  readonly workloads: readonly WorkloadName[]
  readonly rounds: number
  readonly isQuick: boolean
  readonly report: (line: string) => void
}

export interface PeersResult extends SectionResult {
  readonly versions: Readonly<Record<string, string>>
  readonly raw: Readonly<Record<string, TurnTimes>>
}

/** The engine beside its peers on the same weights, adapter and prompts: one at a time, in turns. */
export async function measurePeers(options: PeersOptions): Promise<PeersResult> {
  const { base, adapter, cache, folder, report } = options
  const threads = availableParallelism()
  const plan = workloads(options)
  const maxRows = Math.max(...plan.map(({ nRows }) => nRows))
  const maxTokens = Math.max(...plan.map(({ nNew }) => nNew)) + 64 + 16
  const files = { model: base, adapter, folder, threads, maxRows, maxTokens }
  await using ours = await openOurEngine({ base, adapter, cache, threads })
  const peers = await openPeers(options.peers, files, report)
  await using stack = new AsyncDisposableStack()
  for (const contestant of peers.contestants) stack.use(contestant)
  const agreement = await checkAgreement(ours, peers, report)
  const all: readonly Contestant[] = [ours, ...agreement.running]
  const raw: Record<string, TurnTimes> = {}
  const failed = new Set<string>()
  for (const workload of plan) {
    report(workload.title)
    raw[workload.title] = await inTurns(workload.turns(all, peers.float32), failed, report)
  }
  const versions = Object.entries(peers.versions)
    .map((entry) => entry.join(' '))
    .join(', ')
  return {
    title: 'Beside its peers, random 0.5B-shape Qwen2, rank 32',
    figures: plan.flatMap((workload) => figuresOf(workload, raw[workload.title] as TurnTimes)),
    notes: [
      `Every one has ${threads} threads, and only one works at a time. "+ adapter": rank 32 on all linear modules, unmerged. A ratio is the other's time over the engine's in the same round.`,
      `Sampled at temperature 1: ${names(all, 'sampled')}. Greedy, which costs less: ${names(all, 'greedy')}.`,
      ...(versions === '' ? [] : [`Versions: ${versions}.`]),
      ...agreement.notes,
      ...peers.skipped,
      ...Object.values(raw).flatMap(({ failures }) => failures),
    ],
    versions: peers.versions,
    raw,
  }
}

function names(all: readonly Contestant[], decoding: Contestant['decoding']): string {
  const listed = all.filter((c) => c.decoding === decoding).map((c) => c.name)
  return listed.length === 0 ? 'none' : listed.join(', ')
}

/** Times of every label, tokens a second of whole runs, and ratios to the engine within the rounds. */
function figuresOf(workload: Workload, { rounds }: TurnTimes): Figure[] {
  const { title, nRows, nNew } = workload
  const labels = [...new Set(rounds.flatMap((round) => Object.keys(round)))]
  const perLabel = labels.flatMap((label) => {
    const parts = [...new Set(rounds.flatMap((round) => Object.keys(round[label] ?? {})))]
    return parts.flatMap((part) => {
      const times = rounds.flatMap((round) => round[label]?.[part] ?? [])
      const name = `${title}, ${label}${part === 'all' ? '' : `, ${part}`}`
      const seconds = figureOf(name, 's', spread(times.map((ms) => ms / 1000)))
      if (part !== 'all' && part !== 'generate') return [seconds]
      const speed = spread(times.map((ms) => (nRows * nNew) / (ms / 1000)))
      return [seconds, figureOf(`${name}, whole run`, 'tokens/s', speed)]
    })
  })
  return [...perLabel, ...workload.ratios.flatMap((ratio) => ratioOf(title, ratio, rounds))]
}

function ratioOf(
  title: string,
  { name, over, of, target }: Workload['ratios'][number],
  rounds: TurnTimes['rounds'],
): Figure[] {
  const values = rounds.flatMap((round) => {
    const sum = (terms: readonly (readonly [string, string])[]) =>
      terms.reduce((total, [label, part]) => total + (round[label]?.[part] ?? Number.NaN), 0)
    const ratio = sum(over) / sum(of)
    return Number.isFinite(ratio) ? [ratio] : []
  })
  if (values.length === 0) return []
  const held = target === undefined ? undefined : targets[target]
  return [figureOf(`${title}: ${name}`, 'x', spread(values), held)]
}
