import { CemError } from '@cem/core'
import { type ChatMessage, type ChatTokenizer, locateTurns } from '@cem/inference'
import type { TrainingSequence } from '../trainer/trainer.ts'
import type { Example } from './example.ts'
import { dataInvalid, placeName } from './json-rows.ts'

export interface TokenizeOptions {
  readonly tokenizer: ChatTokenizer
  /** Longest sequence, the template's tokens included. */
  readonly maxTokens: number
  /** What becomes of a longer one: its end is cut off, or it is left out. Both are counted. @default 'cut' */
  readonly overLong?: 'cut' | 'drop' | undefined
  /** Which assistant turns are trained on. @default 'all-responses' */
  readonly lossOn?: 'all-responses' | 'last-response' | undefined
  /**
   * What becomes of examples without an assistant turn, and of those whose assistant turns are empty: an error that names file
   * and line, or they are left out and counted. @default 'error'
   */
  readonly unusable?: 'error' | 'drop' | undefined
}

export const dropReasons = [
  'no-assistant-turn',
  'empty-answer',
  'over-long',
  'no-response-left',
] as const
export type DropReason = (typeof dropReasons)[number]

/** The sequences of an example: one, or the chosen and the rejected of a pair. */
export interface TokenizedExample<T extends Example = Example> {
  readonly example: T
  readonly sequences: readonly TrainingSequence[]
  /** Tokens of all its sequences. */
  readonly nTokens: number
}

export interface TokenizeReport {
  readonly nExamples: number
  readonly nKept: number
  readonly nCut: number
  /** By reason; absent reasons did not occur. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  readonly nTokens: number
  /** Tokens that the loss counts. */
  readonly nLossTokens: number
  /** Tokens of the longest sequence. */
  readonly longest: number
}

export interface Tokenized<T extends Example = Example> {
  readonly examples: readonly TokenizedExample<T>[]
  readonly report: TokenizeReport
}

/**
 * Turns examples into token ids with what counts in the loss: in a conversation the assistant turns with the tokens that close
 * them (`<|im_end|>`), in a document everything. A conversation is tokenised once, as the chat template writes it; which tokens
 * belong to which turn comes from their bytes, not from tokenising parts again.
 *
 * @throws CemError `data-invalid` with file and line, `data-empty` where nothing is left; those of the tokenizer and its template
 */
export function tokenize<T extends Example>(
  examples: readonly T[],
  options: TokenizeOptions,
): Tokenized<T> {
  const { maxTokens, unusable = 'error' } = options
  if (!Number.isInteger(maxTokens) || maxTokens < 2)
    throw new CemError({
      code: 'invalid-request',
      message: `maxTokens is ${maxTokens}; it must be a whole number of at least 2.`,
      data: { maxTokens },
    })
  const kept: TokenizedExample<T>[] = []
  const dropped: Partial<Record<DropReason, number>> = {}
  const problems: string[] = []
  let nCut = 0
  for (const example of examples) {
    const result = tokenizeExample(example, options)
    if ('dropped' in result) {
      const { dropped: reason } = result
      dropped[reason] = (dropped[reason] ?? 0) + 1
      const isError = reason === 'no-assistant-turn' || reason === 'empty-answer'
      if (isError && unusable === 'error')
        problems.push(`${placeName(example.place)}: ${reasons[reason]}`)
      continue
    }
    if (result.isCut) nCut++
    const { sequences } = result
    kept.push({ example, sequences, nTokens: sum(sequences, ({ tokens }) => tokens.length) })
  }
  if (problems.length > 0) throw dataInvalid(problems)
  const report = reportOf(examples.length, kept, nCut, dropped)
  if (kept.length === 0) throw nothingLeft(report)
  return { examples: kept, report }
}

const reasons = {
  'no-assistant-turn': 'the conversation has no assistant turn to train on',
  'empty-answer': 'an assistant turn that is trained on is empty',
} as const

type ExampleResult =
  | { readonly sequences: readonly TrainingSequence[]; readonly isCut: boolean }
  | { readonly dropped: DropReason }

function tokenizeExample(
  example: Example,
  { tokenizer, maxTokens, overLong = 'cut', lossOn = 'all-responses' }: TokenizeOptions,
): ExampleResult {
  const whole = wholeSequences(example, tokenizer, lossOn)
  if (typeof whole === 'string') return { dropped: whole }
  const isTooLong = whole.some(({ tokens }) => tokens.length > maxTokens)
  if (!isTooLong) return { sequences: whole, isCut: false }
  if (overLong === 'drop') return { dropped: 'over-long' }
  const cut = whole.map(({ tokens, weights }) => ({
    tokens: tokens.slice(0, maxTokens),
    weights: weights.slice(0, maxTokens),
  }))
  return cut.every((sequence) => lossTokens(sequence) > 0)
    ? { sequences: cut, isCut: true }
    : { dropped: 'no-response-left' }
}

type LossOn = NonNullable<TokenizeOptions['lossOn']>

function wholeSequences(
  example: Example,
  tokenizer: ChatTokenizer,
  lossOn: LossOn,
): readonly TrainingSequence[] | DropReason {
  try {
    if (example.kind === 'document') return document(example.text, tokenizer)
    if (example.kind === 'conversation') {
      const sequence = conversation(example.messages, tokenizer, lossOn, 0)
      return typeof sequence === 'string' ? sequence : [sequence]
    }
    const { prompt, chosen, rejected } = example
    const sequences: TrainingSequence[] = []
    for (const response of [chosen, rejected]) {
      const messages = [...prompt, ...response]
      const sequence = conversation(messages, tokenizer, lossOn, prompt.length)
      if (typeof sequence === 'string') return sequence
      sequences.push(sequence)
    }
    return sequences
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    throw new CemError({
      code: error.code,
      message: `${placeName(example.place)}: ${error.message}`,
      data: { ...error.data, ...example.place },
      cause: error,
    })
  }
}

function document(
  text: string,
  tokenizer: ChatTokenizer,
): readonly TrainingSequence[] | DropReason {
  const tokens = tokenizer.encode(text, { addSpecialTokens: true })
  // One token predicts nothing.
  if (tokens.length < 2) return 'empty-answer'
  return [{ tokens, weights: tokens.map((_, i) => (i === 0 ? 0 : 1)) }]
}

/** @param from the first message that may be trained on */
function conversation(
  messages: readonly ChatMessage[],
  tokenizer: ChatTokenizer,
  lossOn: LossOn,
  from: number,
): TrainingSequence | DropReason {
  const responses = messages.flatMap(({ role }, i) =>
    i >= from && role === 'assistant' ? [i] : [],
  )
  if (responses.length === 0) return 'no-assistant-turn'
  const counted = new Set(lossOn === 'last-response' ? responses.slice(-1) : responses)
  if (messages.some(({ content }, i) => counted.has(i) && content.trim() === ''))
    return 'empty-answer'
  const { tokenIds, turns } = locateTurns(tokenizer, messages)
  const weights = tokenIds.map(() => 0)
  for (const [i, { turn }] of turns.entries())
    if (counted.has(i)) weights.fill(1, Math.max(1, turn.start), turn.end)
  return { tokens: tokenIds, weights }
}

/** How many tokens of a sequence are predicted and counted. */
function lossTokens({ weights }: TrainingSequence): number {
  return sum(weights.slice(1), (weight) => (weight > 0 ? 1 : 0))
}

function reportOf(
  nExamples: number,
  kept: readonly TokenizedExample[],
  nCut: number,
  dropped: TokenizeReport['dropped'],
): TokenizeReport {
  const sequences = kept.flatMap((example) => example.sequences)
  return {
    nExamples,
    nKept: kept.length,
    nCut,
    dropped,
    nTokens: sum(kept, ({ nTokens }) => nTokens),
    nLossTokens: sum(sequences, lossTokens),
    longest: sequences.reduce((longest, { tokens }) => Math.max(longest, tokens.length), 0),
  }
}

function nothingLeft({ nExamples, dropped }: TokenizeReport): CemError {
  const counts = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`)
  return new CemError({
    code: 'data-empty',
    message: `Nothing is left to train on: all ${nExamples} examples were left out (${counts.join(', ')}).`,
    data: { nExamples, dropped },
  })
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
