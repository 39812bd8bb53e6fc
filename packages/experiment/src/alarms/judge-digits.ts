import { integerOf, type Verdict } from '@cem/judge'
import type { RunWarning } from '../events.ts'

/** With so many scores, a judge that says whole numbers has said one of two digits. */
const leastVerdicts = 20

/**
 * Watches the scores of a judge for numbers that only ever have one digit: it begins 87 with `8`, and the score reads 8. The probe
 * refuses such a judge at the start; this finds it where the probe was switched off, or asked what the judge happened to say whole.
 */
export class DigitWatch {
  #scored = 0
  #hasLong = false

  note(verdicts: Readonly<Record<string, Verdict>>): void {
    for (const verdict of Object.values(verdicts)) {
      if (verdict.status !== 'scored' || verdict.topLogprobs === undefined) continue
      this.#scored += 1
      this.#hasLong ||= verdict.topLogprobs.some(({ token }) => (integerOf(token) ?? 0) >= 10)
    }
  }

  alarms(model: string): RunWarning[] {
    if (this.#hasLong || this.#scored < leastVerdicts) return []
    return [
      {
        code: 'judge-splits-integers',
        message: `In ${this.#scored} scores the judge ${model} never said a number of two digits: it most likely splits them, so that 87 is read as 8. Its scores mean nothing; switch judge.probe on, and take a judge whose vocabulary holds numbers whole.`,
        cells: [],
      },
    ]
  }
}
