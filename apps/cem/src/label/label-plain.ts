import { createInterface } from 'node:readline'
import { terminalText } from '../terminal-text.ts'
import { firstState, type LabelKey, pressKey } from './label-state.ts'
import { type LabelStep, metricHelp } from './label-steps.ts'

export interface LabelPlainOptions {
  readonly steps: readonly LabelStep[]
  readonly onLabel: (step: LabelStep, value: number | null) => Promise<void>
  readonly input: NodeJS.ReadableStream
  readonly print: (line: string) => void
}

/** The same by lines, for pipes and screen readers: a number, or `s`, `u`, `b`, `q`. The end of the input is `q`. */
export async function labelPlain({
  steps,
  onLabel,
  input,
  print,
}: LabelPlainOptions): Promise<void> {
  let state = firstState
  show()
  for await (const line of createInterface({ input })) {
    for (const key of keysOf(line.trim())) {
      const move = pressKey(state, key, steps)
      state = move.state
      if (move.label !== undefined) await onLabel(move.label.step, move.label.value)
      if (move.isQuit === true) return
      if (state.problem !== null) break
    }
    if (state.at >= steps.length) return
    show()
    // What was wrong is not typed on.
    state = { ...state, input: '', problem: null }
  }

  function show(): void {
    const step = steps[state.at]
    if (step === undefined) return
    if (state.problem !== null) {
      print(`${state.problem}; or s skip, u cannot be rated, b back, q quit`)
      return
    }
    print('')
    print(`${state.at + 1} of ${steps.length}`)
    print(`question: ${terminalText(step.task.question)}`)
    for (const text of step.task.answer.split(/\r?\n/)) print(`  ${terminalText(text)}`)
    print(metricHelp(step.metric))
  }
}

function keysOf(line: string): LabelKey[] {
  const kind = ({ s: 'skip', b: 'back', u: 'unratable', q: 'quit' } as const)[line]
  if (kind !== undefined) return [{ kind }]
  // Whatever it is, it is typed as a whole and read by the same rule.
  return [{ kind: 'digit', digit: line === '' ? '?' : line }, { kind: 'enter' }]
}
