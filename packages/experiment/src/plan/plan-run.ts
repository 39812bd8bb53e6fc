import type { LoadedConfig } from '../config/load-config.ts'
import { RunStore } from '../store/run-store.ts'
import { readPilot } from './pilot.ts'
import { type PlannedAnswers, planAnswers } from './plan-answers.ts'
import { planCells } from './plan-cells.ts'
import { type PlannedContrasts, planContrasts } from './plan-contrasts.ts'
import { type PlannedJudging, planJudging } from './plan-judging.ts'
import { type PlannedMemory, planMemory } from './plan-memory.ts'
import { type PlannedTimes, planTimes } from './plan-time.ts'
import { probeSpeed } from './probe-speed.ts'
import { readQuestionSets } from './question-sets.ts'
import { doneUnits, unitsOf } from './units.ts'

export interface PlanOptions {
  readonly loaded: LoadedConfig
  /** A run whose rows, lengths and speed the plan stands on. @default none */
  readonly pilot?: RunStore | undefined
  /** Loads the base and measures how fast it answers. @default false */
  readonly probe?: boolean | undefined
  /** Where hashes and merged weights are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a run will do and can show, before anything of it runs. Every number names where it comes from. */
export interface RunPlan {
  readonly run: string
  readonly cells: readonly string[]
  readonly units: { readonly total: number; readonly done: number }
  readonly questions: readonly {
    readonly set: string
    readonly questions: number
    /** `cem:open v1`, or a path. */
    readonly files: readonly string[]
  }[]
  readonly answers: PlannedAnswers
  readonly judging: PlannedJudging
  readonly time: PlannedTimes
  readonly memory: readonly PlannedMemory[]
  readonly contrasts: PlannedContrasts
  /** Things that a reader should know, in words. */
  readonly notes: readonly string[]
}

/**
 * Plans a run: units, answers, tokens, judgements, cost, time, memory, and what its tests can show. Nothing is written, no judge is
 * asked, and no model is loaded unless `probe` asks for it.
 *
 * @throws CemError those of `planCells`, `readQuestionSets` and `contrastsOf`; `run-unknown` for a pilot that is none; with `probe`
 *   those of `loadModel`
 */
export async function planRun(options: PlanOptions): Promise<RunPlan> {
  const { loaded, pilot: pilotStore, probe = false, cache, signal } = options
  const sets = await readQuestionSets(loaded)
  const { cells, controls, notes } = await planCells(loaded, { cache })
  const pilot = pilotStore === undefined ? undefined : await readPilot(pilotStore, loaded.config)
  const answers = await planAnswers(loaded, cells, sets, pilot)
  const speed = probe
    ? await probeSpeed({ loaded, sets, base: cells[0]?.base, cache, signal })
    : undefined
  const units = unitsOf(cells)
  const done = doneUnits(await new RunStore(loaded.resultsFolder, loaded.name).eventsIfAny())
  return {
    run: loaded.name,
    cells: cells.map(({ id }) => id),
    units: { total: units.length, done: units.filter(({ id }) => done.has(id)).length },
    questions: sets.map((set) => ({
      set: set.name,
      questions: set.questions.length,
      files: set.files.map(({ name, path }) => name ?? path),
    })),
    answers,
    judging: await planJudging(loaded, cells, pilot),
    time: planTimes(answers, pilot, speed),
    memory: await planMemory(loaded, cells, answers),
    contrasts: planContrasts(loaded, cells, sets, pilot),
    notes: [
      ...notes,
      ...controls.map(
        ({ like, random, variants }) =>
          `a random adapter like ${like} is made for ${variants.join(', ')} before the answers, matched in ${random.match}`,
      ),
      ...sets.flatMap(({ name, leftOut }) =>
        leftOut.length === 0
          ? []
          : [`${leftOut.length} questions of the set ${name} are format variants and are left out`],
      ),
    ],
  }
}
