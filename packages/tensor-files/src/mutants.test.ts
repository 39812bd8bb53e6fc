import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { MutantReport } from '../test/support/mutant-readers.ts'

const script = fileURLToPath(new URL('../test/support/mutant-readers.ts', import.meta.url))
const limit = { timeout: 600_000 }
/** Longest time for one mutant: far more than any takes, also on a busy machine. */
const hangInMs = 60_000
/** What reading all of them may cost in memory, beyond what the code itself takes. */
const maxGrowthBytes = 200e6

/** Reads mutants in a process of its own; a crash, a hang, another error than a CemError and a wrong load fail. */
function watchMutants(
  kind: string,
  count: number,
): Promise<Extract<MutantReport, { type: 'end' }>> {
  const child = fork(script, [kind, String(count)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  })
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
        timer = setTimeout(() => reject(new Error(`mutant ${seed} hangs`)), hangInMs)
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

test.each([
  ['safetensors', 1000],
  ['npy', 500],
  ['npz-stored', 1000],
  ['npz-compressed', 1000],
  ['npz-numpy', 500],
] as const)(
  'mutants of a file load as what they say, or are refused (%s: %d)',
  limit,
  async (kind, count) => {
    const { loaded, refused, growthBytes } = await watchMutants(kind, count)
    expect(loaded + refused).toBe(count)
    // Few mutants pass the checksums of a zip file; none at all would mean that the test shows nothing.
    expect(loaded).toBeGreaterThan(5)
    expect(refused).toBeGreaterThan(100)
    expect(growthBytes).toBeLessThan(maxGrowthBytes)
  },
)
