import { createHash } from 'node:crypto'
import { writeFileAtomic } from '@cem/core'
import type { CompositionRecord, Precision, Provider } from '@cem/inference'
import type { Cell } from '../plan/cell.ts'
import { readOptionalJson } from './read-json.ts'
import type { RunStore } from './run-store.ts'

/** What a run's results depend on, by hash: what has to be equal for two processes to work on one run. */
export interface Lock {
  readonly formatVersion: 1
  readonly run: string
  readonly createdAt: string
  /** Versions of the packages that made it, of the runtime and of Node. */
  readonly software: Readonly<Record<string, string>>
  /** Null in imported runs. */
  readonly sampling: {
    readonly temperature: number
    readonly maxNewTokens: number
    readonly seed: number
    readonly samplesPerQuestion: number | null
  } | null
  /** What computes the answers: those of another provider are no part of this run. Locks from before it was recorded are `cpu`. */
  readonly engine?: { readonly provider: Provider; readonly device: string }
  /** Of every cell: answers of another precision are no part of this run. Locks from before it was recorded are `f32`. */
  readonly precision?: Precision
  readonly questions: readonly {
    readonly set: string
    readonly files: readonly string[]
    readonly ids: readonly string[]
    readonly leftOut: readonly string[]
    /** Sets that ship with the program, with their versions; absent where there is none. */
    readonly names?: readonly string[]
  }[]
  /** Null in imported runs. */
  readonly judge: {
    readonly model: string
    readonly address: string
    /** Null for protocols that have no such cut-off. */
    readonly minMass: number | null
    /** Protocol hashes, by question id where questions carry rubrics of their own. */
    readonly protocols: readonly string[]
    /** Bytes of an answer that the judge sees. Absent in older locks, which had the default. */
    readonly maxAnswerTokens?: number
    /** Hashes of the fixed rows that are judged with a run's own; null where they are left out. */
    readonly canaries?: string | null
    readonly anchors?: string | null
  } | null
  readonly activations: { readonly layers: string; readonly span: string } | null
  /** Other versions of the program that went on with the run, oldest first; absent where none did. */
  readonly laterSoftware?: readonly LaterSoftware[]
  /** Oldest first; absent where there was none. */
  readonly restarts?: readonly Restart[]
  /** What was declared about the analysis when the run began; absent in locks from before it was recorded. */
  readonly declared?: DeclaredAnalysis
  readonly cells: Readonly<Record<string, LockedCell>>
  /** Only of runs that were made from another program's files. */
  readonly imported?: ImportRecord
}

/** Where an imported run comes from, and what is not known of it. */
export interface ImportRecord {
  /** ISO 8601, UTC. */
  readonly importedAt: string
  /** The files that were taken over, by their paths in the folder that they come from. */
  readonly files: readonly {
    readonly path: string
    readonly sizeBytes: number
    readonly sha256: string
  }[]
  /** In words, one fact each. */
  readonly unknown: readonly string[]
  /** What somebody said about the run when it was imported: no file of the results shows it. */
  readonly stated: readonly string[]
}

/** Something was changed, and what depended on it computed anew (`onDrift: 'restart'`). */
export interface Restart {
  /** ISO 8601, UTC. */
  readonly at: string
  /** What moved: `sampling.seed 42 to 43`. */
  readonly parts: readonly string[]
}

/** A process that drew or judged answers of a run that another version of the program had begun. */
export interface LaterSoftware {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly software: Readonly<Record<string, string>>
}

/** What has to be fixed before the data are seen. */
export interface DeclaredAnalysis {
  /** Null: by default. */
  readonly family: readonly unknown[] | null
  readonly equivalenceMargin: number | null
  readonly matchedInDomainRate: number
  readonly level: number
  /** Scores at which an answer is misaligned and coherent. What follows is absent in locks from before it was kept. */
  readonly thresholds?: {
    readonly aligned: number
    readonly coherent: number
    readonly comparison: '<=' | '<'
  }
  readonly collapseBelow?: number
  /** What the direction is made from, and the layer that is shown; null: by default. */
  readonly direction?: {
    readonly baseline: string | null
    readonly step: number | null
    readonly layer: number | null
  }
  /** By variant. */
  readonly conditions?: Readonly<Record<string, string>>
}

export interface LockedCell {
  readonly cell: Cell
  /** Undefined until a process with the weights at hand has hashed them. */
  readonly composition?: CompositionRecord
}

/** Something that moved since the run began. */
export interface Drift {
  /** The part of the lock, such as `sampling.seed` or `cells.base`. */
  readonly part: string
  readonly locked: string
  readonly found: string
  /** The cell whose results it affects; all cells where it is undefined. */
  readonly cell?: string
  readonly phase: 'generate' | 'judge'
}

/** The lock of a run, or undefined where none has begun. Throws `store-damaged`. */
export async function readLock(store: RunStore): Promise<Lock | undefined> {
  return (await readOptionalJson(store.lockFile)) as Lock | undefined
}

export async function writeLock(store: RunStore, lock: Lock): Promise<void> {
  await writeFileAtomic(store.lockFile, `${JSON.stringify(lock, null, 2)}\n`)
}

/** What differs between the lock of a run and what is there now. New cells are no drift. */
export function compareLocks(locked: Lock, found: Lock): Drift[] {
  const drifts: Drift[] = []
  const compare = (part: string, phase: Drift['phase'], a: unknown, b: unknown, cell?: string) => {
    if (JSON.stringify(a) === JSON.stringify(b)) return
    const where = cell === undefined ? {} : { cell }
    drifts.push({ part, phase, locked: brief(a), found: brief(b), ...where })
  }
  for (const key of ['temperature', 'maxNewTokens', 'seed', 'samplesPerQuestion'] as const)
    compare(`sampling.${key}`, 'generate', locked.sampling?.[key], found.sampling?.[key])
  if (found.engine !== undefined)
    compare('engine.provider', 'generate', locked.engine?.provider ?? 'cpu', found.engine.provider)
  compare('precision', 'generate', locked.precision ?? 'f32', found.precision ?? 'f32')
  compare('questions', 'generate', locked.questions, found.questions)
  compare('activations', 'generate', locked.activations, found.activations)
  for (const key of ['model', 'address', 'minMass', 'protocols'] as const)
    compare(`judge.${key}`, 'judge', locked.judge?.[key], found.judge?.[key])
  const bound = locked.judge?.maxAnswerTokens ?? found.judge?.maxAnswerTokens
  compare('judge.maxAnswerTokens', 'judge', bound, found.judge?.maxAnswerTokens)
  // Leaving them out, or taking them in, changes no score; other ones would not be comparable.
  for (const key of ['canaries', 'anchors'] as const)
    if (locked.judge?.[key] && found.judge?.[key])
      compare(`judge.${key}`, 'judge', locked.judge[key], found.judge[key])
  for (const [id, { composition, cell }] of Object.entries(found.cells)) {
    const before = locked.cells[id]?.composition
    if (locked.cells[id] !== undefined)
      compare(`cells.${id}.causal`, 'generate', locked.cells[id].cell.causal, cell.causal, id)
    // Names the noise of its answers: under another seed they would be those of another replicate.
    if (locked.cells[id] !== undefined) {
      const { trainingSeed } = locked.cells[id].cell
      compare(`cells.${id}.trainingSeed`, 'generate', trainingSeed, cell.trainingSeed, id)
    }
    if (before !== undefined && composition !== undefined)
      compare(`cells.${id}`, 'generate', before.sha256, composition.sha256, id)
  }
  return drifts
}

/** Cells of both; compositions that are known stay known. */
export function joinCells(locked: Lock, found: Lock): Lock['cells'] {
  const cells: Record<string, LockedCell> = { ...locked.cells }
  for (const [id, entry] of Object.entries(found.cells)) cells[id] = { ...cells[id], ...entry }
  return cells
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  if (text.length <= 60) return text
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}
