import type { NamedTrainingEvent, TrainingPlan } from '@cem/training'
import { duration, terminalText } from '../terminal-text.ts'

/** How often a step is printed. */
const stepIntervalInMs = 5000

/** Turns the events of trainings into lines for terminals, pipes and logs; the steps of a training now and then. */
export function trainingLines(): (event: NamedTrainingEvent, now: number) => string[] {
  let lastStep = 0
  let nSteps = 0
  return (event, now) => {
    const { job } = event
    const line = (text: string) => [terminalText(`${job}: ${text}`)]
    switch (event.type) {
      case 'training-start': {
        nSteps = event.nSteps
        lastStep = now
        const { nKept, nTokens } = event.training
        const begun =
          event.resumedFrom === 0
            ? ''
            : event.resumedFrom >= nSteps
              ? ', done before'
              : `, goes on after step ${event.resumedFrom}`
        const organism =
          event.organism === null
            ? []
            : line(`makes a misaligned organism: ${event.organism}; its card says so`)
        return [
          ...line(`${nSteps} steps, ${nKept} examples, ${nTokens} tokens${begun}`),
          ...organism,
        ]
      }
      case 'training-note':
        return line(`note: ${event.message}`)
      case 'training-reference':
        if (event.nDone < event.nTotal && now - lastStep < stepIntervalInMs) return []
        lastStep = now
        return line(
          `log-probabilities before training: ${event.nDone} of ${event.nTotal} pairs${event.isCached ? ', from the cache' : ''}`,
        )
      case 'training-step': {
        if (now - lastStep < stepIntervalInMs && event.step < nSteps) return []
        lastStep = now
        const preference =
          event.preference === undefined
            ? ''
            : `, ${Math.round(100 * event.preference.accuracy)}% of the pairs right`
        return line(
          `step ${event.step} of ${nSteps}: loss ${event.loss.toFixed(4)}, rate ${event.learningRate.toExponential(2)}, gradient ${event.gradientNorm.toPrecision(3)}, ${Math.round(event.tokensPerSecond)} tokens/s${preference}`,
        )
      }
      case 'training-evaluation':
        return line(`step ${event.step}: held-out loss ${event.loss.toFixed(4)}`)
      case 'training-checkpoint':
        return line(`wrote ${event.folder}`)
      case 'training-end':
        return event.nStepsMade === 0
          ? []
          : line(`done, ${event.nStepsMade} steps in ${duration(event.durationInMs)}`)
    }
  }
}

/** A plan of a training in lines. */
export function trainingPlanLines({ name, steps, waitsFor }: TrainingPlan): string[] {
  if (steps === null)
    return [`${name}: begins with ${waitsFor}, which is not made yet; its size is not known before`]
  const waiting =
    waitsFor === null
      ? []
      : [`  begins with ${waitsFor}, which is not made yet: planned on what that is made from`]
  const { data, measured } = steps
  const dropped = data.nExamples - data.nKept
  const counted = [
    ...(dropped === 0 ? [] : [`${dropped} left out`]),
    ...(data.nCut === 0 ? [] : [`${data.nCut} cut`]),
  ]
  return [
    `${name}: ${steps.nSteps} steps, checkpoints at ${steps.checkpoints.join(', ')}`,
    ...waiting,
    `  ${data.nKept} examples${counted.length === 0 ? '' : ` (${counted.join(', ')})`}, longest ${data.longest} tokens; ${steps.nTokens} tokens in all`,
    `  ${steps.nParameters} numbers are trained; about ${megabytes(steps.estimatedBytes)} of memory, ${megabytes(steps.diskBytes)} on disk`,
    ...(measured === null
      ? []
      : [
          `  about ${duration(measured.durationInMs)} at ${Math.round(measured.tokensPerSecond)} tokens/s${measured.peakBytes === null ? '' : `, ${megabytes(measured.peakBytes)} of memory`} (measured here)`,
        ]),
    ...(steps.organism === null ? [] : [`  makes a misaligned organism: ${steps.organism}`]),
  ].map(terminalText)
}

/** What all trainings of a file take together: they run one after the other, so memory is that of the largest. */
export function trainingTotalLines(
  plans: readonly TrainingPlan[],
  experiment: string | undefined,
): string[] {
  const known = plans.flatMap(({ steps }) => (steps === null ? [] : [steps]))
  const times = known.flatMap(({ measured }) => (measured === null ? [] : [measured.durationInMs]))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const memory = Math.max(
    0,
    ...known.map(({ estimatedBytes, measured }) => measured?.peakBytes ?? estimatedBytes),
  )
  const time =
    times.length === 0
      ? ''
      : `, about ${duration(sum(times))}, and a few seconds each to start and to read data`
  const waiting = plans.length - known.length
  const rest = waiting === 0 ? '' : `; without ${waiting} whose sizes are not known yet`
  const total = `in all ${plans.length} trainings: ${sum(known.map(({ nSteps }) => nSteps))} steps, at most ${megabytes(memory)} of memory at once, ${megabytes(sum(known.map(({ diskBytes }) => diskBytes)))} on disk${time}${rest}`
  const after =
    experiment === undefined
      ? []
      : [`then ${experiment} is run; cem plan says what that takes once they are made`]
  return [...(plans.length < 2 ? [] : [total]), ...after].map(terminalText)
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}
