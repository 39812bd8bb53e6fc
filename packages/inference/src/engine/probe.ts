import { CemError } from '@cem/core'
import { encodeModel, Graph } from '@cem/onnx-graph'
import { deviceOf } from './device-name.ts'
import type { Device, Provider } from './provider.ts'
import { createSession, floats } from './runtime.ts'

/**
 * Runs a session of one addition on a provider, in the engine's process. A provider that is not there throws, or ends the
 * process.
 *
 * @throws CemError `session-failed` with the runtime's words
 */
export async function probe(provider: Provider): Promise<Device> {
  const graph = new Graph('probe')
  const x = graph.input('x', 'float32', [2])
  graph.output(graph.node('Add', [x, x]), 'y')
  const session = await createSession(encodeModel(graph), { threads: 1, provider })
  const { y } = await session.run({ x: floats(Float32Array.of(1, 2), [2]) }, { y: null })
  const [a, b] = (y?.data ?? []) as Float32Array
  if (a !== 2 || b !== 4)
    throw new CemError({
      code: 'session-failed',
      message: `The provider ${provider} gave ${a} and ${b} for 1 + 1 and 2 + 2.`,
    })
  await session.release()
  return deviceOf(provider, sharedObjects())
}

/** Libraries that this process has loaded, a graphics driver among them. */
function sharedObjects(): readonly string[] {
  // The report would look up the names of network addresses.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as { readonly sharedObjects?: readonly string[] }
  return report.sharedObjects ?? []
}
