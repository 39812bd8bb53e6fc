import { CemError } from '@cem/core'

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

/** Mutants after which code is compiled and caches are filled. */
const nWarm = 20

/**
 * Reads mutants in this process, which a parent watches. Anything but a correct load and a CemError is a failure.
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
      if (!CemError.isInstance(error)) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
        send({ type: 'failure', seed, reason: reason.slice(0, 4000) })
        return
      }
      if (error.message.length > 3000) {
        send({ type: 'failure', seed, reason: `a message of ${error.message.length} characters` })
        return
      }
      refused[error.code] = (refused[error.code] ?? 0) + 1
    }
  }
  const growthBytes = (process.resourceUsage().maxRSS - before) * 1024
  send({ type: 'end', loaded, refused, growthBytes })
}
