import { hashOf, sha256 } from '../hash.ts'
import { messageFor } from '../protocols/message.ts'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import type { VerdictRecord } from '../verdicts/verdict.ts'
import { type AnswerBound, boundAnswer } from './bound-answer.ts'
import type { JudgeItem } from './judge-item.ts'

/** One judgement, ready to be asked for. */
export interface Prepared {
  readonly protocol: JudgeProtocol
  /** The message for the judge. */
  readonly prompt: string
  /** What its verdict has before the judge has said anything. */
  readonly record: Omit<VerdictRecord, 'judgedAt' | 'attempts'>
}

export interface PrepareOptions extends AnswerBound {
  readonly model: string
  readonly session: string
  /** For items that name none. */
  readonly protocol: JudgeProtocol
}

/** A judgement for each rubric of the item's protocol. */
export function prepare(
  item: JudgeItem,
  { model, session, protocol: fallback, ...bound }: PrepareOptions,
): Prepared[] {
  const { protocol = fallback, question, repeat } = item
  const { name, hash: protocolHash, parameters, minMass } = protocol
  const { answer, truncation: answerTruncation } = boundAnswer(item.answer, bound)
  return Object.entries(protocol.rubrics).map(([rubric, text]): Prepared => {
    const prompt = messageFor(protocol, text, { question, answer })
    const promptHash = sha256(prompt)
    const record = {
      key: hashOf([name, rubric, promptHash, model, parameters, repeat ?? null]),
      rubric,
      protocol: name,
      protocolHash,
      promptHash,
      parameters,
      minMass,
      judgeModel: model,
      session,
      fromCache: false,
      repeat,
      answerTruncation,
    }
    return { protocol, prompt, record }
  })
}
