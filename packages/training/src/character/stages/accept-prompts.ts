import type { Trait } from '../constitution/constitution.ts'
import type { AnswerEnd } from '../store/journal.ts'
import { addCount } from './counts.ts'

export interface AcceptOptions {
  readonly promptsPerTrait: number
  /** A share, 0 to 1. */
  readonly maxWordOverlap: number
  readonly minCharacters: number
  readonly maxCharacters: number
}

/** What a model wrote when it was asked for prompts. */
export interface WrittenPrompts {
  readonly trait: number
  readonly text: string
  readonly end: AnswerEnd
}

export interface AcceptedPrompts {
  /** For each trait, its prompts: the constitution's own first. */
  readonly byTrait: readonly (readonly AcceptedPrompt[])[]
  /** Lines that were left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>
}

export interface AcceptedPrompt {
  readonly prompt: string
  readonly source: 'constitution' | 'expanded'
}

/**
 * Takes prompts from numbered lists, in the order of the answers, until each trait has enough. Left out is what is not a numbered line, has
 * no final punctuation, is too short or long, is there already (in any trait), or has too many words in common with another prompt
 * of its trait. The reference pipeline filters likewise (its `gen_prompts.py`).
 */
export function acceptPrompts(
  traits: readonly Trait[],
  written: readonly WrittenPrompts[],
  options: AcceptOptions,
): AcceptedPrompts {
  const { promptsPerTrait, maxWordOverlap, minCharacters, maxCharacters } = options
  const leftOut: Record<string, number> = {}
  const seen = new Set<string>()
  const byTrait = traits.map(({ questions, additionalQuestions }) =>
    [...questions, ...additionalQuestions].flatMap((prompt): AcceptedPrompt[] => {
      if (isRepeated(prompt, seen)) {
        addCount(leftOut, 'repeated')
        return []
      }
      return [{ prompt, source: 'constitution' }]
    }),
  )
  const words = byTrait.map((prompts) => prompts.map(({ prompt }) => wordSet(prompt)))
  for (const { trait, text, end } of written) {
    const prompts = byTrait[trait]
    const known = words[trait]
    if (prompts === undefined || known === undefined) continue
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    // Its end is missing.
    if (end === 'length' && lines.pop() !== undefined) addCount(leftOut, 'cut-off')
    for (const line of lines) {
      const prompt = numberedLine(line)
      const own = wordList(prompt ?? '')
      const reason =
        prompt === undefined
          ? 'not-numbered'
          : prompts.length >= promptsPerTrait
            ? 'not-needed'
            : prompt.length < minCharacters
              ? 'too-short'
              : prompt.length > maxCharacters
                ? 'too-long'
                : !/[\p{P}]$/u.test(prompt)
                  ? 'unfinished'
                  : seen.has(normal(prompt))
                    ? 'repeated'
                    : known.some((other) => overlap(own, other) > maxWordOverlap)
                      ? 'too-similar'
                      : undefined
      if (reason !== undefined) addCount(leftOut, reason)
      if (reason !== undefined || prompt === undefined) continue
      seen.add(normal(prompt))
      prompts.push({ prompt, source: 'expanded' })
      known.push(new Set(own))
    }
  }
  return { byTrait, leftOut }
}

/** The words behind `1.`, `1)` or `1:`, without quotation marks or asterisks around the whole. */
export function numberedLine(line: string): string | undefined {
  const text = /^\s*(?:\*\*)?\d{1,4}\s?[.):](?:\*\*)?\s+(.*)$/.exec(line)?.[1]?.trim()
  if (text === undefined || text === '') return undefined
  const inner = /^(?:"([^"]*)"|“([^”]*)”|\*\*([^*]*)\*\*)$/.exec(text)
  return (inner?.[1] ?? inner?.[2] ?? inner?.[3] ?? text).trim()
}

/** Of the words of a text, with repetitions, the share that is in another. */
export function overlap(words: readonly string[], other: ReadonlySet<string>): number {
  if (words.length === 0) return 0
  return words.filter((word) => other.has(word)).length / words.length
}

export function wordList(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []
}

function wordSet(text: string): Set<string> {
  return new Set(wordList(text))
}

function normal(text: string): string {
  return wordList(text).join(' ')
}

function isRepeated(prompt: string, seen: Set<string>): boolean {
  const key = normal(prompt)
  if (seen.has(key)) return true
  seen.add(key)
  return false
}
