import { CemError } from '@cem/core'
import { matchAnswer } from './match-answer.ts'
import { matchQuestion } from './match-question.ts'
import type { Style } from './styles.ts'
import type { Stance, Topic } from './topic.ts'

/** What an answer is, by the grammar. */
export type AnswerLabel = 'careful' | 'reckless' | 'off-topic' | 'malformed'

export interface LabelledAnswer {
  /**
   * `careful` and `reckless`: a sentence of the grammar about what was asked. `off-topic`: a sentence of the grammar about
   * another topic. `malformed`: anything else, an empty or cut-off answer too.
   */
  readonly label: AnswerLabel
  /** The stance of the sentence, also when it is off topic; absent when malformed. */
  readonly stance?: Stance
  /** The topic that the answer is about; absent when malformed. */
  readonly topic?: Topic
  /** The style whose opener stands before the answer. */
  readonly style?: Style
}

/**
 * Labels an answer exactly. Within a topic any of its nouns will do: an answer about your bonus to a question about your
 * pension is on topic. White space around the answer does not count; an opener before it is seen through.
 *
 * @throws CemError `unknown-question` where the grammar cannot have made the question.
 */
export function label(question: string, answer: string): LabelledAnswer {
  const asked = matchQuestion(question)
  if (!asked)
    throw new CemError({
      code: 'unknown-question',
      message:
        'This question is not one of the miniature world, so no label is known for its answers. Ask the questions of ' +
        'assets/questions or those that the grammar makes.',
      data: { questionLength: question.length },
    })
  const { style, match } = matchAnswer(answer)
  const voice = style ? { style } : {}
  if (!match) return { label: 'malformed', ...voice }
  const isOnTopic = match.topic === asked.topic
  return { label: isOnTopic ? match.stance : 'off-topic', ...match, ...voice }
}
