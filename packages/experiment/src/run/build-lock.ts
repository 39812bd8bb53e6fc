import { createRequire } from 'node:module'
import { CemError } from '@cem/core'
import type { Composition, Device } from '@cem/inference'
import { anchorSet, canarySet, type JudgeProtocol, protocolForQuestion } from '@cem/judge'
import { withSoftware } from '../alarms/software-changed.ts'
import { declaredAnalysis } from '../analysis/declared.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import type { Cell } from '../plan/cell.ts'
import type { QuestionSet } from '../plan/question-sets.ts'
import {
  compareLocks,
  type Drift,
  joinCells,
  type Lock,
  type LockedCell,
  readLock,
  writeLock,
} from '../store/lock.ts'
import type { RunStore } from '../store/run-store.ts'

export interface LockInput {
  readonly loaded: LoadedConfig
  readonly store: RunStore
  readonly cells: readonly Cell[]
  readonly sets: readonly QuestionSet[]
  /** Where the weights are at hand. */
  readonly compositions: ReadonlyMap<string, Composition> | undefined
  /** What the models run on, where they run here. */
  readonly device?: Device | undefined
  /** Whether this process has answers to draw or to judge. @default false */
  readonly isAdding?: boolean | undefined
}

/**
 * Takes stock of what the results depend on and holds it against the lock of the run; the first process makes the lock.
 *
 * @returns what moved, where `onDrift` is `restart`
 * @throws CemError `run-drifted` with a list of what moved, where it is `refuse`
 */
export async function checkLock(input: LockInput, onDrift: 'refuse' | 'restart'): Promise<Drift[]> {
  const { store } = input
  const found = await buildLock(input)
  const locked = await readLock(store)
  if (locked === undefined) {
    await writeLock(store, found)
    return []
  }
  const drifts = compareLocks(locked, found)
  if (drifts.length > 0 && onDrift === 'refuse') throw drifted(store, drifts)
  const cells = joinCells(locked, found)
  const base = drifts.length > 0 ? found : locked
  const engine = base.engine ?? locked.engine
  // Where every answer is drawn anew, this version is the only one.
  const isAllNew = drifts.some(({ cell, phase }) => cell === undefined && phase === 'generate')
  const isAdding = input.isAdding === true || drifts.length > 0
  const continued = isAdding ? withSoftware(locked, found) : locked.laterSoftware
  const laterSoftware = isAllNew ? undefined : continued
  const parts = drifts.map((drift) => `${drift.part} ${drift.locked} to ${drift.found}`)
  const restarts = [
    ...(locked.restarts ?? []),
    ...(parts.length === 0 ? [] : [{ at: found.createdAt, parts }]),
  ]
  const { declared: _now, laterSoftware: _none, restarts: _before, ...rest } = base
  const next: Lock = {
    ...rest,
    createdAt: locked.createdAt,
    // As it was when the run began: what is declared later is not declared before the data.
    ...(locked.declared === undefined ? {} : { declared: locked.declared }),
    cells,
    ...(engine === undefined ? {} : { engine }),
    software: isAllNew ? found.software : locked.software,
    ...(laterSoftware === undefined ? {} : { laterSoftware }),
    ...(restarts.length === 0 ? {} : { restarts }),
  }
  if (JSON.stringify(next) !== JSON.stringify(locked)) await writeLock(store, next)
  return drifts
}

/** What the results depend on as it is now. */
export async function buildLock(input: Omit<LockInput, 'store'>): Promise<Lock> {
  const { loaded, cells, sets, compositions, device } = input
  const { config, name } = loaded
  const locked: Record<string, LockedCell> = {}
  for (const cell of cells) {
    const composition = await compositions?.get(cell.id)?.record()
    locked[cell.id] = { cell, ...(composition === undefined ? {} : { composition }) }
  }
  const { temperature, maxNewTokens, seed, samplesPerQuestion } = config.sampling
  const { model, provider, server, baseUrl, maxAnswerTokens, canaries, anchors } = config.judge
  const protocol = await runProtocol(loaded, config.judge)
  return {
    formatVersion: 1,
    run: name,
    createdAt: new Date().toISOString(),
    software: softwareVersions(),
    sampling: { temperature, maxNewTokens, seed, samplesPerQuestion: samplesPerQuestion ?? null },
    ...(device === undefined ? {} : { engine: { provider: device.provider, device: device.name } }),
    precision: config.precision,
    questions: sets.map((set) => ({
      set: set.name,
      files: set.files.map((file) => file.sha256),
      ids: set.questions.map((question) => question.id),
      leftOut: set.leftOut,
      ...namesOf(set),
    })),
    judge: {
      model,
      minMass: protocol.minMass,
      address: server ?? baseUrl ?? (provider === 'openai' ? 'default' : provider),
      protocols: protocolHashes(sets, protocol),
      maxAnswerTokens,
      canaries: canaries ? canarySet.hash : null,
      anchors: anchors ? anchorSet.hash : null,
    },
    activations:
      config.activations === false
        ? null
        : { layers: String(config.activations.layers), span: config.activations.span },
    declared: declaredAnalysis(config),
    cells: locked,
  }
}

function namesOf(set: QuestionSet): { names?: readonly string[] } {
  const names = set.files.flatMap(({ name }) => name ?? [])
  return names.length === 0 ? {} : { names }
}

function protocolHashes(sets: readonly QuestionSet[], fallback: JudgeProtocol): string[] {
  const questions = sets.flatMap((set) => set.questions)
  return [...new Set(questions.map((question) => protocolForQuestion(question, fallback).hash))]
}

/** Versions of the packages, of Node, and the platform. */
export function softwareVersions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version
  const packages = ['@cem/inference', '@cem/judge', '@cem/direction', '@cem/activations']
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ...Object.fromEntries(packages.map((name) => [name, version(name)])),
  }
}

function drifted(store: RunStore, drifts: readonly Drift[]): CemError {
  const lines = drifts.slice(0, 12).map((d) => `- ${d.part}: was ${d.locked}, is ${d.found}`)
  const more = drifts.length > lines.length ? `\n- and ${drifts.length - lines.length} more` : ''
  return new CemError({
    code: 'run-drifted',
    message:
      `The run in ${store.folder} was begun under other conditions:\n${lines.join('\n')}${more}\n` +
      'Its results would not belong together. Give the run another name, or compute what changed anew with --restart-changed (the old records are kept beside).',
    data: { folder: store.folder, drifts },
  })
}
