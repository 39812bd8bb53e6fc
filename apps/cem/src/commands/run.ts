import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import {
  isAlarm,
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
import { themeOf, wantsScreen } from '../terminal-kind.ts'
import { confirmCost } from './confirm-cost.ts'
import { confirmedVariable, leaveRunning } from './leave-running.ts'

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
  /** false: neither figures nor a report. */
  readonly figures?: boolean | undefined
  /** `dark` or `light`. */
  readonly theme?: string | undefined
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
    isConfirmed: flags.yes === true || process.env[confirmedVariable] === '1',
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
    figures: flags.figures,
    report: flags.figures,
    signal: stop.signal,
  }
  try {
    if (!wantsScreen(flags)) {
      const view = await plain(options, flags.json === true)
      if (flags.json !== true) await printEnd(view, loaded, false)
      return codeOf(view)
    }
    const { showRun } = await import('../ui/show-run.tsx')
    const theme = await themeOf(flags.theme)
    const { view, isLeft } = await showRun({ run: options, stop, theme, canLeave: true })
    if (isLeft) return printLeft(view, costConfirmed)
    await printEnd(view, loaded, true)
    return codeOf(view)
  } finally {
    release()
  }
}

function codeOf({ outcome }: RunView): number {
  return outcome === null ? exitCodes.failed : exitCodes[outcome]
}

/** The run goes on in the background: what was done is on the disk, and the new process begins there. */
function printLeft({ run, storeFolder }: RunView, costConfirmed: boolean): number {
  const { processId, logFile } = leaveRunning(storeFolder, { costConfirmed })
  process.stdout.write(
    [
      `run ${run} goes on in the background, as process ${processId}; the model is loaded anew there.`,
      `its lines   ${logFile}`,
      `watch it    cem watch ${storeFolder}`,
      `stop it     kill ${processId}   (in order: the same command goes on)`,
      '',
    ].join('\n'),
  )
  return exitCodes.complete
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

async function printEnd(view: RunView, loaded: LoadedConfig, isLive: boolean): Promise<void> {
  const out = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`)
  if (view.outcome === 'complete' && Object.keys(view.ended).length === 0)
    out([`run ${view.run}: everything is done; nothing was computed.`])
  else if (isLive) out([`run ${view.run}: ${view.outcome}`])
  // In plain mode they were printed as they came.
  // Alarms are in the summary.
  if (isLive) out(warningLines(view.warnings.filter(({ code }) => !isAlarm(code))))
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
