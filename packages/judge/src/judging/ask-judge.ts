import type { ChatCompletion, ChatErrorData } from '@cem/chat'
import { CemError, messageOf } from '@cem/core'
import { requestParameters } from '../protocols/message.ts'
import type { ExactProtocol, JudgeProtocol } from '../protocols/protocol.ts'
import { type Reading, readVerdict } from '../verdicts/read-verdict.ts'
import type { UnscoredReason, VerdictRecord } from '../verdicts/verdict.ts'
import type { ContinuationScores, JudgeClient } from './judge-client.ts'

/** What a verdict has from the call. */
export type CallOutcome = Pick<
  VerdictRecord,
  | 'servedModel'
  | 'systemFingerprint'
  | 'requestId'
  | 'usage'
  | 'attempts'
  | 'topLogprobs'
  | 'continuationLogprobs'
  | 'text'
> &
  Reading

/**
 * Asks the judge one thing, in the way of the protocol.
 *
 * @throws what the client throws; CemError `judge-cannot-score-continuations`
 */
export function askJudge(
  client: JudgeClient,
  prompt: string,
  protocol: JudgeProtocol,
  signal: AbortSignal,
): Promise<CallOutcome> {
  return protocol.name === 'logprob-0-100-exact'
    ? askContinuations(client, prompt, protocol, signal)
    : askReply(client, prompt, protocol, signal)
}

async function askReply(
  client: JudgeClient,
  prompt: string,
  protocol: Exclude<JudgeProtocol, ExactProtocol>,
  signal: AbortSignal,
): Promise<CallOutcome> {
  const { parameters } = protocol
  const messages = [{ role: 'user', content: prompt }] as const
  const completion = await client.complete(
    { messages, ...requestParameters(parameters) },
    { signal },
  )
  return completionOutcome(completion, protocol)
}

/** What a completion says under a protocol, with its record. */
export function completionOutcome(
  completion: ChatCompletion,
  protocol: Exclude<JudgeProtocol, ExactProtocol>,
): CallOutcome {
  const { model, systemFingerprint, requestId, usage, attempts, topLogprobs, text } = completion
  return {
    servedModel: model,
    systemFingerprint,
    requestId,
    usage,
    attempts,
    topLogprobs,
    ...('instruction' in protocol.parameters && { text }),
    ...readVerdict(completion, protocol),
  }
}

async function askContinuations(
  client: JudgeClient,
  prompt: string,
  protocol: ExactProtocol,
  signal: AbortSignal,
): Promise<CallOutcome> {
  const { continuations } = protocol.parameters
  if (!client.scoreContinuations) throw cannotScore(client)
  const messages = [{ role: 'user', content: prompt }] as const
  const scores = await client
    .scoreContinuations({ messages, continuations }, { signal })
    .catch((error: unknown) => {
      throw isAbsent(error) ? cannotScore(client, error) : error
    })
  const { model, systemFingerprint, requestId, usage, attempts = [] } = scores
  const record = { servedModel: model, systemFingerprint, requestId, usage, attempts }
  const problem = problemOf(scores, continuations.length)
  if (problem !== undefined)
    return { ...record, status: 'unscored', reason: 'malformed-response', detail: problem }
  const continuationLogprobs = continuations.map((token, i) => ({
    token,
    logprob: Math.max(impossible, scores.logprobs[i] ?? Number.NaN),
  }))
  return { ...record, continuationLogprobs, ...readVerdict({ continuationLogprobs }, protocol) }
}

/** What hosted servers send for a probability of 0, whose logarithm a line of JSON cannot hold. */
const impossible = -9999

function problemOf({ logprobs }: ContinuationScores, nContinuations: number): string | undefined {
  if (logprobs.length !== nContinuations)
    return `the server scored ${logprobs.length} continuations of ${nContinuations}`
  // Not `> 0` alone: NaN is no probability either, and minus infinity is one.
  const bad = logprobs.find((logprob) => typeof logprob !== 'number' || !(logprob <= 1e-3))
  return bad === undefined ? undefined : `${bad} is no log probability`
}

/** Statuses of servers that do not know the path: most hosted ones. */
const absentStatuses: ReadonlySet<unknown> = new Set([404, 405, 501])

function isAbsent(error: unknown): boolean {
  if (!CemError.isInstance(error)) return false
  return error.code === 'chat-no-continuations' || absentStatuses.has(error.data['status'])
}

function cannotScore({ model, baseUrl }: JudgeClient, cause?: unknown): CemError {
  return new CemError({
    code: 'judge-cannot-score-continuations',
    message: `The judge ${model} at ${baseUrl} cannot score continuations, which the protocol logprob-0-100-exact needs: use a client with scoreContinuations and a server that knows it, such as cem serve, or the protocol text-score.${cause === undefined ? '' : ` (${messageOf(cause)})`}`,
    data: { model, url: baseUrl },
    cause,
  })
}

/** An error of a call as an unscored verdict; what is no failure of the server is thrown on. */
export function failedCall(error: unknown): CallOutcome {
  if (!CemError.isInstance(error) || !Array.isArray(error.data['attempts'])) throw error
  const { attempts, serverCode } = error.data as Readonly<Record<string, unknown>> & ChatErrorData
  return {
    status: 'unscored',
    reason: reasonOf(error.code, serverCode),
    detail: error.message,
    attempts,
  }
}

function reasonOf(code: string, serverCode: string | undefined): UnscoredReason {
  // Azure refuses a filtered request with a 400.
  if (serverCode === 'content_filter') return 'content-filter'
  return code === 'chat-malformed-response' ? 'malformed-response' : 'http'
}
