import { CemError } from '@cem/core'

/** The error for a child that ended by itself. `data.signal` is SIGKILL where, most likely, the system was short of memory. */
export function engineDied(
  reason: string,
  stderr: string,
  signal: NodeJS.Signals | null = null,
): CemError {
  const words = stderr.trim() === '' ? '' : ` Its last words: ${stderr.trim()}`
  return new CemError({
    code: 'engine-died',
    message: `The engine process ${reason}. What was finished before is kept.${words}`,
    data: { reason, signal },
  })
}

export function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL')
    return 'was killed (SIGKILL), most likely because the machine ran out of memory: lower the batch size, or close other programs'
  if (signal !== null) return `crashed (${signal}), inside ONNX Runtime or another native library`
  return `exited with code ${code}`
}

/** Gives the items on; where the engine dies meanwhile, the error's data tell how many rows were in progress at most. */
export async function* tellBatchSize<T>(
  items: AsyncGenerator<T, void>,
  batchSize: number,
): AsyncGenerator<T, void> {
  try {
    yield* items
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'engine-died') throw error
    const { code, message, data, cause } = error
    throw new CemError({ code, message, data: { ...data, batchSize }, cause })
  }
}
