import type { TokenLogprob } from '@cem/chat'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import { labelFromTopLogprobs, scoreFromContinuations, scoreFromTopLogprobs } from './score.ts'
import { readLabelReply, readScoreReply, type TextReply } from './text-reply.ts'
import type { UnscoredReason } from './verdict.ts'

export type Reading =
  | {
      readonly status: 'scored'
      readonly score: number
      readonly mass: number | null
      readonly entropy: number | null
      readonly label?: string
    }
  | {
      readonly status: 'unscored'
      readonly reason: UnscoredReason
      readonly detail: string
      readonly mass?: number
    }

/** What came from the judge. */
export interface JudgeAnswer {
  readonly text?: string | undefined
  readonly refusal?: string | undefined
  readonly finishReason?: string | undefined
  readonly topLogprobs?: readonly TokenLogprob[] | undefined
  readonly continuationLogprobs?: readonly TokenLogprob[] | undefined
}

/** What is read of a judgement, as protocols and verdicts both carry it. */
export type Reader = Pick<JudgeProtocol, 'parameters' | 'minMass'>

/** What a judge's answer says under a protocol. */
export function readVerdict(answer: JudgeAnswer, reader: Reader): Reading {
  const { text = '', refusal, finishReason } = answer
  if (finishReason === 'content_filter')
    return unscored('content-filter', 'the provider filtered the answer of the judge')
  if (refusal) return unscored('refusal', 'the judge declined to judge')
  if ('instruction' in reader.parameters) return readText(text, finishReason, reader.parameters)
  const reading = readTokens(answer, reader)
  if (reading) return reading
  if (text === '' && finishReason === 'length')
    return unscored('truncated', 'the judge spent its one token without any text')
  return unscored('no-logprobs', 'the server sent no log probabilities')
}

/** The reading of the log probabilities, or undefined where there are none. */
export function readTokens(
  { topLogprobs = [], continuationLogprobs = [] }: JudgeAnswer,
  { parameters, minMass }: Reader,
): Reading | undefined {
  const options = minMass === null ? {} : { minMass }
  if (continuationLogprobs.length > 0) return scoreFromContinuations(continuationLogprobs, options)
  if (topLogprobs.length === 0) return undefined
  return 'labels' in parameters
    ? labelFromTopLogprobs(topLogprobs, parameters.labels, options)
    : scoreFromTopLogprobs(topLogprobs, options)
}

type TextReader = Extract<Reader['parameters'], { readonly instruction: string }>

function readText(text: string, finishReason: string | undefined, parameters: TextReader): Reading {
  const labels = 'labels' in parameters ? parameters.labels : undefined
  const reply = labels
    ? readLabel(text, labels)
    : readValue(readScoreReply(text), (score) => ({ score }))
  const isCut = reply.status === 'unscored' && reply.reason === 'malformed-response'
  if (isCut && finishReason === 'length')
    return unscored('truncated', `the reply was cut after ${parameters.maxTokens} tokens`)
  return reply
}

function readLabel(
  text: string,
  labels: readonly { readonly label: string; readonly value: number }[],
): Reading {
  const values = new Map(labels.map(({ label, value }) => [label, value]))
  const reply = readLabelReply(text, [...values.keys()])
  return readValue(reply, (label) => ({ score: values.get(label) ?? Number.NaN, label }))
}

function readValue<Value>(
  reply: TextReply<Value>,
  scoreOf: (value: Value) => { readonly score: number; readonly label?: string },
): Reading {
  if (reply.status === 'said')
    return { status: 'scored', ...scoreOf(reply.value), mass: null, entropy: null }
  if (reply.status === 'flagged') return unscored(reply.flag, `the judge's flag is ${reply.flag}`)
  return unscored('malformed-response', reply.problem)
}

function unscored(reason: UnscoredReason, detail: string): Reading {
  return { status: 'unscored', reason, detail }
}
