import { type LabelStep, readScore } from './label-steps.ts'

/** Where a person is. */
export interface LabelState {
  /** Index of the step that is shown; as many as there are steps: all are through. */
  readonly at: number
  /** What was typed so far. */
  readonly input: string
  readonly problem: string | null
  /** Labels of this sitting, by the index of their step; null: cannot be rated. */
  readonly given: ReadonlyMap<number, number | null>
}

export const firstState: LabelState = { at: 0, input: '', problem: null, given: new Map() }

export type LabelKey =
  | { readonly kind: 'digit'; readonly digit: string }
  | { readonly kind: 'move'; readonly by: number }
  | { readonly kind: 'erase' | 'enter' | 'skip' | 'back' | 'unratable' | 'quit' }

export interface LabelMove {
  readonly state: LabelState
  /** To be written down before the next key counts. */
  readonly label?: { readonly step: LabelStep; readonly value: number | null }
  readonly isQuit?: true
}

/** What a key does. Pure: writing the label down is the caller's. */
export function pressKey(state: LabelState, key: LabelKey, steps: readonly LabelStep[]): LabelMove {
  const { at, input, given } = state
  const step = steps[at]
  if (key.kind === 'quit') return { state, isQuit: true }
  if (key.kind === 'back') return { state: goTo(state, Math.max(0, at - 1)) }
  if (step === undefined) return { state }
  const { metric } = step
  switch (key.kind) {
    case 'digit':
      return { state: { ...state, input: `${input}${key.digit}`.slice(0, 4), problem: null } }
    case 'erase':
      return { state: { ...state, input: input.slice(0, -1), problem: null } }
    case 'move': {
      // From the middle where nothing was typed yet.
      const from = input === '' ? (metric.least + metric.most) / 2 : Number(input)
      const value = Math.min(metric.most, Math.max(metric.least, Math.round(from) + key.by))
      return { state: { ...state, input: String(value), problem: null } }
    }
    case 'skip':
      return { state: goTo(state, at + 1) }
    case 'unratable':
      return { state: give(state, null), label: { step, value: null } }
    case 'enter': {
      const read = readScore(input === '' ? String(given.get(at) ?? '') : input, metric)
      if ('problem' in read) return { state: { ...state, problem: read.problem } }
      return { state: give(state, read.value), label: { step, value: read.value } }
    }
  }
}

function goTo(state: LabelState, at: number): LabelState {
  return { ...state, at, input: '', problem: null }
}

function give(state: LabelState, value: number | null): LabelState {
  const { at, given } = state
  return { ...goTo(state, at + 1), given: new Map(given).set(at, value) }
}
