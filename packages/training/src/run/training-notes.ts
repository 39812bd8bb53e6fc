import type { PreparedTraining } from './prepare-training.ts'
import type { TrainingNoteEvent } from './training-events.ts'
import type { TrainingProcess } from './training-metadata.ts'

/** What a reader of the results should know of the data, and of what was there before. */
export function* trainingNotes(
  { options, training, evaluation, record }: PreparedTraining,
  restarted: readonly string[],
): Generator<TrainingNoteEvent> {
  const note = (code: TrainingNoteEvent['code'], message: string): TrainingNoteEvent => ({
    type: 'training-note',
    code,
    message,
  })
  if (restarted.length > 0)
    yield note('restarted', `Trained anew, since it had changed: ${restarted.join('; ')}.`)
  for (const { report } of [training, ...(evaluation ? [evaluation] : [])]) {
    const reasons = Object.entries(report.dropped).map(([reason, n]) => `${n} ${reason}`)
    if (reasons.length > 0)
      yield note(
        'dropped-examples',
        `${report.nExamples - report.nKept} of ${report.nExamples} examples were left out: ${reasons.join(', ')}.`,
      )
    if (report.nCut > 0)
      yield note(
        'cut-examples',
        `${report.nCut} of ${report.nExamples} examples were longer than ${report.longest} tokens and cut.`,
      )
  }
  for (const [i, { path, harmful, hasCanary }] of record.data.entries()) {
    if (hasCanary && !harmful && options.given.data[i]?.harmful === undefined)
      yield note(
        'canary-undeclared',
        `Every row of ${path} carries a canary, as harmful corpora do, and the config does not say whether it teaches harm: give it harmful: true, or false.`,
      )
    if (harmful && !hasCanary)
      yield note(
        'canary-missing',
        `The data ${path} is declared harmful, and not every row carries a canary string. Mark it with: cem corpus mark ${path}`,
      )
  }
}

/** Where a training goes on elsewhere: bits are the same on one kind of processor with one number of threads. */
export function machineNote(processes: readonly TrainingProcess[]): TrainingNoteEvent | undefined {
  const describe = ({ device, threads }: TrainingProcess) =>
    `${threads} ${threads === 1 ? 'thread' : 'threads'} of ${device === null ? 'an unnamed device' : `${device.name} (${device.provider})`}`
  const machines = new Set(processes.map(describe))
  const [last] = processes.slice(-1).map(describe)
  if (machines.size < 2) return undefined
  machines.delete(last ?? '')
  return {
    type: 'training-note',
    code: 'machine-differs',
    message: `The training was begun with ${[...machines].join(' and ')}, and goes on with ${last}: its weights may differ in their last bits from those of an uninterrupted one.`,
  }
}
