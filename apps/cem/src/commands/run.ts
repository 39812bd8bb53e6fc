import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type JudgeServers,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
  type Phase,
  type RunEvent,
  type RunOptions,
  runExperiment,
  type Shard,
  studyLockFile,
} from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { plainLines } from '../plain/plain-lines.ts'
import { emptyView, foldEvent, type RunView } from '../run-view.ts'
import { runSummary, warningLines } from '../summary.ts'
import { confirmCost } from './confirm-cost.ts'

export interface RunFlags {
  readonly phase?: Phase | undefined
  readonly shard?: Shard | undefined
  readonly plain?: boolean | undefined
  readonly json?: boolean | undefined
  readonly restartChanged?: boolean | undefined
  readonly frozen?: boolean | undefined
  /** Implies `frozen`. */
  readonly lockFile?: string | undefined
  readonly yes?: boolean | undefined
  readonly overrides?: LoadConfigOptions['overrides'] | undefined
}

/** `cem run [CONFIG]`: without a config, the miniature that comes with the program. */
export async function runCommand(config: string | undefined, flags: RunFlags): Promise<number> {
  const file = config ?? (await miniatureConfig())
  const loaded = await loadConfig(file, { overrides: flags.overrides ?? {} })
  // Of the miniature it is in the working folder, as nothing is written into the package.
  const ownLock = studyLockFile({ file: config, name: loaded.name })
  const lockFile = flags.lockFile ?? (flags.frozen === true ? ownLock : undefined)
  return runLoaded(loaded, { ...flags, lockFile })
}

/** The config of the study that comes with the program. */
export async function miniatureConfig(): Promise<string> {
  const { miniatureFolder } = await import('@cem/miniature')
  return join(miniatureFolder(), 'experiment.yaml')
}

export async function runLoaded(loaded: LoadedConfig, flags: RunFlags): Promise<number> {
  const costConfirmed = await confirmCost(loaded, {
    phase: flags.phase,
    isConfirmed: flags.yes === true,
    isQuiet: flags.json === true,
  })
  const stop = new AbortController()
  const release = stopOnSignals(stop)
  const options: RunOptions = {
    loaded,
    phases: flags.phase === undefined ? undefined : [flags.phase],
    shard: flags.shard,
    onDrift: flags.restartChanged === true ? 'restart' : 'refuse',
    frozen: flags.lockFile === undefined ? undefined : resolve(flags.lockFile),
    judgeServers,
    costConfirmed,
    signal: stop.signal,
  }
  try {
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY
    const isLive = isTerminal && flags.plain !== true && flags.json !== true
    const view = isLive ? await live(options, stop) : await plain(options, flags.json === true)
    if (flags.json !== true) await printEnd(view, loaded, isLive)
    return view.outcome === null ? exitCodes.failed : exitCodes[view.outcome]
  } finally {
    release()
  }
}

/** Judges that the command starts itself, by name. */
export const judgeServers: JudgeServers = { 'miniature-oracle': startOracle }

async function startOracle() {
  const { startOracle: start } = await import('@cem/miniature')
  const oracle = await start({ seed: 0 })
  const { baseUrl } = oracle
  // It knows the miniature's world, and nothing of the fixed answers that other judges are tried with.
  return {
    baseUrl,
    knowsOwnQuestionsOnly: true,
    [Symbol.asyncDispose]: () => oracle[Symbol.asyncDispose](),
  }
}

async function plain(options: RunOptions, isJson: boolean): Promise<RunView> {
  const lines = plainLines()
  let view = emptyView
  for await (const event of runExperiment(options)) {
    const now = Date.now()
    view = foldEvent(view, event, now)
    const out = isJson ? [jsonLine(event)] : lines(event, view, now)
    for (const line of out) process.stdout.write(`${line}\n`)
  }
  return view
}

/** JSON escapes control characters, so that a line is safe to print. */
function jsonLine(event: RunEvent): string {
  return JSON.stringify({ time: new Date().toISOString(), ...event })
}

async function live(options: RunOptions, stop: AbortController): Promise<RunView> {
  const { showRun } = await import('../ui/show-run.tsx')
  return showRun(options, stop)
}

async function printEnd(view: RunView, loaded: LoadedConfig, isLive: boolean): Promise<void> {
  const out = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`)
  if (view.outcome === 'complete' && view.ended.length === 0)
    out([`run ${view.run}: everything is done; nothing was computed.`])
  else if (isLive) out([`run ${view.run}: ${view.outcome}`])
  // In plain mode they were printed as they came.
  if (isLive) out(warningLines(view.warnings))
  for (const { unit, message } of view.failures) process.stderr.write(`${unit}: ${message}\n`)
  out(['', ...(await runSummary(view.storeFolder, loaded.resultsFolder, view.files))])
  if (view.outcome === 'stopped') out(['', 'Stopped. The same command goes on from here.'])
}

/** The first signal stops the run in order; a second one ends the process at once. */
function stopOnSignals(stop: AbortController): () => void {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const handler = () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[name])
      stop.abort(new Error(`stopped by ${name}`))
    }
    process.on(name, handler)
    return { name, handler }
  })
  return () => {
    for (const { name, handler } of handlers) process.off(name, handler)
  }
}
