import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./registry-process.mjs', import.meta.url))

/** A npm registry that answers until it is closed. */
export interface Registry {
  readonly url: string
  close(): void
}

/** Serves the tarballs of a folder as a npm registry on loopback, in a process of its own, so that this one may wait for npm. */
export async function startRegistry(folder: string): Promise<Registry> {
  const child = fork(program, [folder])
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the registry of ${folder} ended before it listened`)
  })
  const [url] = await Promise.race([once(child, 'message'), ended])
  // From here on it may end.
  ended.catch(() => undefined)
  return { url: String(url), close: () => child.disconnect() }
}
