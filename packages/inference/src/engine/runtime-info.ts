import { Engine } from './engine.ts'
import type { RuntimeInfo } from './messages.ts'

/** The runtime's version and the providers that its package has for this machine. Asks an engine process. */
export async function runtimeInfo(): Promise<RuntimeInfo> {
  await using engine = new Engine()
  return await engine.call('runtimeInfo', null)
}
