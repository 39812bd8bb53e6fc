import { createChatClient } from '@cem/chat'
import { fillRubric, protocolForQuestion } from '@cem/judge'
import type { LoadedConfig } from '../config/load-config.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import type { Cell } from './cell.ts'
import type { Pilot } from './pilot.ts'
import { promptsOf, type QuestionSet } from './question-sets.ts'

/** What a run asks its judge. */
export interface PlannedJudging {
  readonly model: string
  /** One for each answer and rubric. */
  readonly judgements: number
  /** Calls if no two answers to a question are the same; those that are are one call. The probe at the start is in it. */
  readonly mostCalls: number
  /** Likely tokens of the prompts and answers of `mostCalls`, without the probe. */
  readonly promptTokens: number
  readonly completionTokens: number
  /** USD for them; null with the reason in `absent`. */
  readonly usd: number | null
  readonly absent: string | null
  /** How long the answers were taken to be. */
  readonly source: string
}

/** Calls of the probe at the start of judging. */
const probeCalls = 6

/** As many bytes as @cem/chat takes for a token, so that its estimate of an answer's tokens is the number that was put in. */
const bytesPerToken = 3

/**
 * Counts judgements, and estimates their cost by @cem/chat's estimate with the prices of the config. Nothing is sent, and no key is
 * needed.
 */
export async function planJudging(
  loaded: LoadedConfig,
  cells: readonly Cell[],
  sets: readonly QuestionSet[],
  pilot: Pilot | undefined,
): Promise<PlannedJudging> {
  const { config } = loaded
  const { model, prices, server, probe } = config.judge
  const { samplesPerQuestion, maxNewTokens } = config.sampling
  const fallback = await runProtocol(loaded, config.judge)
  const client = createChatClient({
    model,
    baseUrl: 'http://127.0.0.1/v1',
    apiKey: null,
    ...(prices === undefined ? {} : { prices: definedOf(prices) }),
  })
  const bytes = pilot?.answers?.meanBytes ?? maxNewTokens * bytesPerToken
  const answer = 'x'.repeat(Math.round(bytes))
  let judgements = 0
  let promptTokens = 0
  let completionTokens = 0
  let usd: number | null = 0
  for (const set of sets) {
    const questions = new Map(set.questions.map((question) => [question.id, question]))
    for (const { id, messages, samples } of promptsOf(set, samplesPerQuestion)) {
      const question = questions.get(id)
      const { rubrics, parameters } = protocolForQuestion(
        question ?? { judgePrompts: undefined },
        fallback,
      )
      const n = cells.length * (typeof samples === 'number' ? samples : (samples?.length ?? 1))
      for (const rubric of Object.values(rubrics)) {
        const content = fillRubric(rubric, { question: messages.at(-1)?.content ?? '', answer })
        const one = client.estimateCost([
          {
            messages: [{ role: 'user', content }],
            maxTokens: 'maxTokens' in parameters ? parameters.maxTokens : 1,
          },
        ])
        judgements += n
        promptTokens += n * one.promptTokens
        completionTokens += n * (one.mostCompletionTokens ?? 0)
        usd = usd === null || one.usd === null ? null : usd + n * one.usd
      }
    }
  }
  const isOwn = server !== undefined
  return {
    model,
    judgements,
    mostCalls: judgements + (probe ? probeCalls : 0),
    promptTokens,
    completionTokens,
    usd,
    absent:
      usd !== null
        ? null
        : isOwn
          ? `the program starts the judge '${server}' itself: no price is paid for its calls`
          : 'unknown price: give judge.prices (USD per million tokens)',
    source:
      pilot?.answers == null
        ? `answers of the longest length (${maxNewTokens} tokens)`
        : `answers as long as those of the run ${pilot.run} (${Math.round(pilot.answers.meanBytes)} bytes)`,
  }
}

function definedOf({
  inputPerMillion,
  outputPerMillion,
  cachedInputPerMillion,
}: NonNullable<LoadedConfig['config']['judge']['prices']>) {
  return {
    inputPerMillion,
    outputPerMillion,
    ...(cachedInputPerMillion === undefined ? {} : { cachedInputPerMillion }),
  }
}
