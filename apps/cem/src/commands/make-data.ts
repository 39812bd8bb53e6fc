import type { CharacterEvent, CharacterOutcome } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { characterLines } from '../plain/character-lines.ts'
import { abortOnSignals } from './abort-on-signals.ts'

/** Prints the events of data that are made, as lines or as JSON, and gives the exit code. */
export async function makeData(
  run: (signal: AbortSignal) => AsyncGenerator<CharacterEvent<string>, void>,
  isJson: boolean,
): Promise<number> {
  using signals = abortOnSignals()
  const { signal } = signals
  const lines = characterLines()
  let outcome: CharacterOutcome = 'incomplete'
  try {
    for await (const event of run(signal)) {
      const out = isJson
        ? [JSON.stringify({ time: new Date().toISOString(), ...event })]
        : lines(event, Date.now())
      for (const line of out) process.stdout.write(`${line}\n`)
      if (event.type === 'run-end') outcome = event.outcome
    }
  } catch (error) {
    if (!signal.aborted) throw error
    process.stderr.write('stopped; the same command goes on where it was\n')
    return exitCodes.stopped
  }
  return outcome === 'complete' ? exitCodes.complete : exitCodes.incomplete
}
