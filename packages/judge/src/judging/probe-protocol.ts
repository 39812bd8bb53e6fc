import { isUnreachableError } from '@cem/chat'
import { CemError } from '@cem/core'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import { askJudge, type CallOutcome } from './ask-judge.ts'
import type { JudgeClient } from './judge-client.ts'
import { probeJudge, probePrompt } from './probe.ts'
import { labelProbePrompt, probeLabels } from './probe-labels.ts'
import { unreachable } from './unreachable.ts'

export interface ProtocolProbeOptions {
  readonly signal?: AbortSignal | undefined
}

/** What a judge was found to be able to do. */
export interface ProtocolProbe {
  readonly protocol: JudgeProtocol['name']
  readonly judgeModel: string
  /** As the server says, where it does. */
  readonly servedModel: string | undefined
  readonly systemFingerprint: string | undefined
}

/**
 * Checks at the start that the judge can do what a protocol asks of it: `logprob-0-100` by `probeJudge`; the others by asking for
 * an integer or a label in the protocol's own way, which has to come back.
 *
 * @throws CemError what `probeJudge` throws; `judge-cannot-score-continuations`; `judge-probe-unclear`; `judge-unreachable`; what
 * the client throws
 */
export async function probeProtocol(
  client: JudgeClient,
  protocol: JudgeProtocol,
  { signal }: ProtocolProbeOptions = {},
): Promise<ProtocolProbe> {
  const judgeModel = client.model
  if (protocol.name === 'logprob-0-100') {
    const { servedModel, systemFingerprint } = await probeJudge(client, { signal })
    return { protocol: protocol.name, judgeModel, servedModel, systemFingerprint }
  }
  const { parameters } = protocol
  if ('labels' in parameters && parameters.method === 'first-token') {
    const labels = parameters.labels.map(({ label }) => label)
    const probe = await probeLabels(client, labels, { signal })
    const bad = probe.labels.find(({ isSingle }) => !isSingle)
    if (bad)
      throw unclear(
        client,
        protocol,
        `does not say ${JSON.stringify(bad.label)} as one token. Make the protocol with method: 'text'`,
      )
  }
  const { asked, prompt } = questionFor(protocol)
  const outcome = await ask(client, prompt, protocol, signal)
  if (!isAsked(outcome, asked))
    throw unclear(client, protocol, `gives ${describe(outcome)} where ${asked} was asked for`)
  const { servedModel, systemFingerprint } = outcome
  return { protocol: protocol.name, judgeModel, servedModel, systemFingerprint }
}

function questionFor({ parameters }: JudgeProtocol): { asked: string; prompt: string } {
  const last = 'labels' in parameters ? parameters.labels.at(-1)?.label : undefined
  const prompt = last === undefined ? probePrompt(42) : labelProbePrompt(last)
  const suffix = 'instruction' in parameters ? `\n\n${parameters.instruction}` : ''
  return { asked: last ?? '42', prompt: `${prompt}${suffix}` }
}

async function ask(
  client: JudgeClient,
  prompt: string,
  protocol: JudgeProtocol,
  signal: AbortSignal | undefined,
): Promise<CallOutcome> {
  try {
    return await askJudge(client, prompt, protocol, signal ?? new AbortController().signal)
  } catch (error) {
    throw isUnreachableError(error) ? unreachable(error) : error
  }
}

/** An expectation has a tail of other integers, and is near enough within this. */
const nearEnough = 5

function isAsked(outcome: CallOutcome, asked: string): boolean {
  if (outcome.status === 'unscored') return false
  if (outcome.label !== undefined) return outcome.label === asked
  return Math.abs(outcome.score - Number(asked)) <= (outcome.mass === null ? 0 : nearEnough)
}

function describe(outcome: CallOutcome): string {
  if (outcome.status === 'scored') return outcome.label ?? String(outcome.score)
  return `no score (${outcome.reason}: ${outcome.detail})`
}

function unclear({ model, baseUrl }: JudgeClient, { name }: JudgeProtocol, what: string): CemError {
  return new CemError({
    code: 'judge-probe-unclear',
    message: `The judge ${model} at ${baseUrl} cannot be used for the protocol ${name}: it ${what}.`,
    data: { model, url: baseUrl, protocol: name },
  })
}
