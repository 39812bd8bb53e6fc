import { configSchema, judgeCsv } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { type EvaluationFlags, judgeOverrides } from '../flag-overrides.ts'
import { progressLine } from '../plain/progress-line.ts'
import { abortOnSignals } from './abort-on-signals.ts'

interface JudgeFlags extends EvaluationFlags {
  readonly output?: string
  readonly questions?: string
}

/** `cem judge FILE`: an eval CSV, or an eval log of Inspect AI. */
export async function judgeCommand(csv: string, flags: JudgeFlags): Promise<number> {
  const given = Object.entries(judgeOverrides(flags)).filter(([, value]) => value !== undefined)
  const { judge } = configSchema.parse({ base_model: 'none', judge: Object.fromEntries(given) })
  const output = flags.output ?? csv.replace(/(\.(?:csv|json|eval))?$/i, '_judged.csv')
  using signals = abortOnSignals()
  const report = await judgeCsv({
    csv,
    output,
    judge,
    questions: flags.questions,
    signal: signals.signal,
    onProgress: progressLine('judged'),
  })
  for (const [reason, n] of Object.entries(report.unscored))
    process.stdout.write(`${n} without a score, ${reason}\n`)
  process.stdout.write(`wrote ${output}: ${report.nRows} answers\n`)
  return exitCodes.complete
}
