import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../../packages/inference/dist/index.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Where `npm run bench:peers` installs what the engine is compared with, outside the workspace. */
export function peersFolder(environment: Environment = process.env): string {
  return environment['CEM_BENCH_PEERS'] || join(cacheFolder(), 'bench-peers')
}

/** The Python of the peers: CEM_BENCH_PYTHON, else the one that was installed with them, else `python3`. */
export function peersPython(environment: Environment = process.env): string {
  const installed = join(peersFolder(environment), 'python', 'bin', 'python')
  return environment['CEM_BENCH_PYTHON'] || (existsSync(installed) ? installed : 'python3')
}

/** Whether the Python is someone's own, not one that was made for the peers. */
export function hasOwnPython(environment: Environment = process.env): boolean {
  return (environment['CEM_BENCH_PYTHON'] ?? '') !== ''
}
