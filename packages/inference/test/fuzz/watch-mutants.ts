import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MutantReport } from './read-mutants.ts'

/** Longest time for one mutant: far more than any takes, also on a busy machine. */
const limitInMs = 60_000

/** Runs a script that reads mutants, and gives what it counted; a crash, a hang or a wrong load is an error with the seed. */
export function watchMutants(
  script: string,
  args: readonly string[],
): Promise<Extract<MutantReport, { type: 'end' }>> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = fork(path, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
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
