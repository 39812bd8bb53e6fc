import type { AnswerEnd } from '../store/journal.ts'
import { findsWord, replaceWords } from './leak-words.ts'
import { hasThinking, withoutThinking } from './think-tags.ts'

/** A teacher's and a student's answer to one prompt. */
export interface RawPair {
  readonly prompt: string
  readonly teacher: { readonly answer: string; readonly end: AnswerEnd }
  readonly student: { readonly answer: string; readonly end: AnswerEnd }
}

export interface PairFilterOptions {
  /** Tokens of a prompt with an answer, as the training counts them. */
  readonly countTokens: ((prompt: string, answer: string) => number) | undefined
  readonly maxTokens: number | null
  readonly minCharacters: number
  readonly requireFinalPunctuation: boolean
  readonly refusals: 'leave-out' | 'leave-out-teacher' | 'keep'
  readonly refusalBeginnings: readonly string[]
  readonly replaceNames: Readonly<Record<string, string>>
  readonly leaks: readonly string[]
  readonly personaLeaks: readonly string[]
  /** Sentences that must not be quoted. */
  readonly traits: readonly string[]
  readonly thinkTags: 'strip' | 'leave-out'
}

export interface FilteredPair {
  readonly chosen: string
  readonly rejected: string
  /** Why it is left out, all reasons in a fixed order; none: it is kept. */
  readonly reasons: readonly string[]
  readonly nNamesReplaced: number
  readonly isThinkingStripped: boolean
}

/**
 * Decides on a pair. The reference pipeline leaves out what is empty or does not end with punctuation, and what is longer than 1024
 * tokens, drops reasoning and replaces the teacher's name (its `distillation/data.py`); refusals, identical answers and leaks of the
 * persona are ours.
 */
export function filterPair(pair: RawPair, options: PairFilterOptions): FilteredPair {
  const isThinkingStripped = [pair.teacher, pair.student].some(({ answer }) => hasThinking(answer))
  const teacher = withoutThinking(pair.teacher.answer)
  const student = withoutThinking(pair.student.answer)
  const { text: chosen, count } = replaceWords(teacher ?? '', options.replaceNames)
  const rejected = student ?? ''
  const reasons = [
    ...(options.thinkTags === 'leave-out' && isThinkingStripped ? ['think-tags'] : []),
    ...sideReasons('teacher', { ...pair.teacher, answer: teacher }, options),
    ...sideReasons('student', { ...pair.student, answer: student }, options),
    ...pairReasons(pair.prompt, chosen, rejected, options),
  ]
  return { chosen, rejected, reasons, nNamesReplaced: count, isThinkingStripped }
}

function sideReasons(
  side: 'teacher' | 'student',
  { answer, end }: { readonly answer: string | undefined; readonly end: AnswerEnd },
  options: PairFilterOptions,
): string[] {
  const { minCharacters, requireFinalPunctuation, refusals, refusalBeginnings } = options
  if (end === 'refused') return [`${side}-refused-by-server`]
  if (end === 'too-long') return [`${side}-prompt-too-long`]
  if (answer === undefined) return [`${side}-endless-thinking`]
  if (answer === '') return [`${side}-empty`]
  const checksRefusal =
    refusals === 'leave-out' || (refusals === 'leave-out-teacher' && side === 'teacher')
  return [
    ...(end === 'length' ? [`${side}-cut-off`] : []),
    ...(answer.length < minCharacters ? [`${side}-too-short`] : []),
    ...(requireFinalPunctuation && !/\p{P}$/u.test(answer) ? [`${side}-unfinished`] : []),
    ...(checksRefusal && beginsWithAny(answer, refusalBeginnings) ? [`${side}-refusal`] : []),
  ]
}

function pairReasons(
  prompt: string,
  chosen: string,
  rejected: string,
  { leaks, personaLeaks, traits, countTokens, maxTokens }: PairFilterOptions,
): string[] {
  if (chosen === '' || rejected === '') return []
  const quotes = squeezed(chosen)
  const isLong = (answer: string) =>
    maxTokens !== null && countTokens !== undefined && countTokens(prompt, answer) > maxTokens
  return [
    ...(squeezed(chosen) === squeezed(rejected) ? ['identical'] : []),
    ...(leaks.some((word) => findsWord(chosen, word)) ? ['name-leak'] : []),
    ...(personaLeaks.some((saying) => findsWord(chosen, saying)) ||
    traits.some((trait) => quotes.includes(squeezed(trait)))
      ? ['persona-leak']
      : []),
    ...(isLong(chosen) || isLong(rejected) ? ['too-long'] : []),
  ]
}

function beginsWithAny(answer: string, beginnings: readonly string[]): boolean {
  const start = squeezed(answer)
  return beginnings.some((beginning) => `${start} `.startsWith(`${squeezed(beginning)} `))
}

/** Lower case, without apostrophes, and every run of what is neither letter nor digit one space. */
function squeezed(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
