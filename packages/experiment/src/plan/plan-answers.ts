import { CemError } from '@cem/core'
import { openModelFolder, openTokenizer } from '@cem/inference'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from './cell.ts'
import type { Pilot } from './pilot.ts'
import { plannedRows, promptsOf, type QuestionSet, type QuestionSetName } from './question-sets.ts'

/** The answers that a run draws, and their tokens. */
export interface PlannedAnswers {
  readonly total: number
  /** Of each cell, by question set. */
  readonly perCell: Readonly<Partial<Record<QuestionSetName, number>>>
  readonly tokens: PlannedTokens
}

export interface PlannedTokens {
  /** Of the prompts, one for each answer; null where a tokenizer is not at hand. */
  readonly prompts: number | null
  /** Of the longest prompt. */
  readonly longestPrompt: number | null
  /** Why the prompts' tokens are not known. */
  readonly absent: string | null
  /** That the answers cannot exceed: as many as `sampling.maxNewTokens` allows for each. */
  readonly mostOfAnswers: number
  /** With answers as long as the pilot's; null without one. */
  readonly likelyOfAnswers: number | null
  /** Where `likelyOfAnswers` comes from. */
  readonly source: string
}

/** Counts answers exactly, prompt tokens with each base's own tokenizer and chat template. */
export async function planAnswers(
  { config }: LoadedConfig,
  cells: readonly Cell[],
  sets: readonly QuestionSet[],
  pilot: Pilot | undefined,
): Promise<PlannedAnswers> {
  const { samplesPerQuestion, maxNewTokens } = config.sampling
  const counts = sets.map((set) => [set.name, plannedRows(set, samplesPerQuestion).length] as const)
  const nPerCell = counts.reduce((sum, [, n]) => sum + n, 0)
  const total = nPerCell * cells.length
  const answers = pilot?.answers ?? null
  return {
    total,
    perCell: Object.fromEntries(counts),
    tokens: {
      ...(await promptTokens(cells, sets, samplesPerQuestion)),
      mostOfAnswers: total * maxNewTokens,
      likelyOfAnswers: answers === null ? null : Math.round(total * answers.meanTokens),
      source:
        answers === null
          ? 'no run was given: the longest answers are assumed'
          : `${answers.n} answers of the run ${pilot?.run}: ${answers.meanTokens.toFixed(1)} tokens each`,
    },
  }
}

async function promptTokens(
  cells: readonly Cell[],
  sets: readonly QuestionSet[],
  samplesPerQuestion: number | undefined,
): Promise<Pick<PlannedTokens, 'prompts' | 'longestPrompt' | 'absent'>> {
  let prompts = 0
  let longestPrompt = 0
  for (const [base, own] of Map.groupBy(cells, (cell) => cell.base)) {
    try {
      const tokenizer = await openTokenizer((await openModelFolder(base)).folder)
      for (const { messages, samples } of sets.flatMap((set) =>
        promptsOf(set, samplesPerQuestion),
      )) {
        const length = tokenizer.encodeChat(messages).length
        const n = typeof samples === 'number' ? samples : (samples?.length ?? 1)
        prompts += length * n * own.length
        longestPrompt = Math.max(longestPrompt, length)
      }
    } catch (error) {
      if (!CemError.isInstance(error)) throw error
      return { prompts: null, longestPrompt: null, absent: error.message }
    }
  }
  return { prompts, longestPrompt, absent: null }
}
