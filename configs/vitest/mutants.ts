import { fork } from 'node:child_process'

/** What a child tells its parent. */
export type MutantReport =
  | { readonly type: 'begin'; readonly seed: number }
  | {
      readonly type: 'end'
      readonly loaded: number
      readonly refused: Readonly<Record<string, number>>
      /** By how much the process grew beyond what it had after the first mutants. */
      readonly growthBytes: number
    }
  | { readonly type: 'failure'; readonly seed: number; readonly reason: string }

/** Longest time for one mutant: far more than any takes, also on a busy machine. */
const limitInMs = 60_000

/**
 * Runs a script that reads mutants with `readMutants`, and gives what it counted; a crash, a hang or a wrong load is an error
 * with the seed.
 *
 * @param script its path
 */
export function watchMutants(
  script: string,
  args: readonly string[],
): Promise<Extract<MutantReport, { type: 'end' }>> {
  const child = fork(script, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000)
  })
  let seed = -1
  let timer: NodeJS.Timeout | undefined
  return new Promise<Extract<MutantReport, { type: 'end' }>>((resolve, reject) => {
    child.on('message', (report: MutantReport) => {
      if (report.type === 'end') resolve(report)
      else if (report.type === 'failure')
        reject(new Error(`mutant ${report.seed}: ${report.reason}`))
      else {
        seed = report.seed
        clearTimeout(timer)
        timer = setTimeout(() => reject(new Error(`mutant ${seed} hangs`)), limitInMs)
      }
    })
    child.on('close', (code, signal) =>
      reject(new Error(`the process ended at mutant ${seed} (${signal ?? code}): ${words}`)),
    )
  }).finally(() => {
    clearTimeout(timer)
    child.kill('SIGKILL')
  })
}

/** Mutants after which code is compiled and caches are filled. */
const nWarm = 20

/**
 * Reads mutants in this process, which a parent watches. Anything but a correct load and an error with a code of ours is a failure.
 *
 * @param read throws what the reader throws, and an ordinary Error where what it loaded is not what the file says
 */
export async function readMutants(count: number, read: (seed: number) => Promise<void>) {
  const send = (report: MutantReport) => process.send?.(report)
  const refused: Record<string, number> = {}
  let loaded = 0
  let before = 0
  for (let seed = 0; seed < count; seed++) {
    send({ type: 'begin', seed })
    if (seed === nWarm) before = process.resourceUsage().maxRSS
    try {
      await read(seed)
      loaded += 1
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
        send({ type: 'failure', seed, reason: reason.slice(0, 4000) })
        return
      }
      const { length } = (error as Error).message
      if (length > 3000) {
        send({ type: 'failure', seed, reason: `a message of ${length} characters` })
        return
      }
      refused[code] = (refused[code] ?? 0) + 1
    }
  }
  const growthBytes = (process.resourceUsage().maxRSS - before) * 1024
  send({ type: 'end', loaded, refused, growthBytes })
}

/** The code of an error that a reader throws on purpose; undefined for a bug. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'CemError' || !('code' in error)) return undefined
  return String(error.code)
}
