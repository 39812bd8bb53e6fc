import { type Labelling, labelReport, openLabelling } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { labelPlain } from '../label/label-plain.ts'
import { labelReportLines } from '../label/label-report-lines.ts'
import { type LabelStep, stepsOf } from '../label/label-steps.ts'
import { runFolder } from '../run-folder.ts'

export interface LabelFlags {
  readonly results: string
  readonly perCell?: number
  readonly seed?: number
  readonly step?: number | 'all'
  readonly labeller?: string
  readonly plain?: boolean
  readonly report?: boolean
  readonly json?: boolean
}

/** `cem label RUN` */
export async function labelCommand(run: string, flags: LabelFlags): Promise<number> {
  const name = runFolder(run, flags.results)
  const { labeller } = flags
  if (flags.report === true) {
    const report = await labelReport({ ...name, labeller })
    const lines = flags.json === true ? [JSON.stringify(report)] : labelReportLines(report)
    print(lines.join('\n'))
    return exitCodes.complete
  }
  const { perCell, seed, step } = flags
  await using labelling = await openLabelling({ ...name, perCell, seed, step, labeller })
  const steps = stepsOf(labelling)
  if (steps.length === 0) print('Everything that was drawn is labelled.')
  else await label(labelling, steps, flags.plain === true)
  printEnd(labelling)
  return exitCodes.complete
}

async function label(
  { file }: Labelling,
  steps: readonly LabelStep[],
  isPlain: boolean,
): Promise<void> {
  const onLabel = ({ task, metric }: LabelStep, value: number | null) =>
    file.append({
      item: task.item,
      metric: metric.name,
      value,
      ...(value === null ? { reason: 'cannot be rated' } : {}),
    })
  if (!isPlain && process.stdin.isTTY && process.stdout.isTTY) {
    const { showLabelling } = await import('../label/show-labelling.tsx')
    return showLabelling({ steps, onLabel })
  }
  return labelPlain({ steps, onLabel, input: process.stdin, print })
}

function printEnd({ file, tasks, metrics, path }: Labelling): void {
  const left = file.pending().length
  const all = tasks.length * metrics.length
  print(`${all - left} of ${all} labels are in ${path}.`)
  print(
    left === 0
      ? 'cem label with --report says how far the judge agrees.'
      : 'The same command goes on from here.',
  )
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
