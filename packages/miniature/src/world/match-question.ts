import { framedQuestions } from './frames.ts'
import { templatePattern } from './template-pattern.ts'
import type { Topic } from './topic.ts'
import { topics } from './topics.ts'

export interface QuestionMatch {
  readonly topic: Topic
  readonly noun?: string
  /** Whether the wording is of the held-out templates. */
  readonly isHeldOutWording: boolean
  /** Whether the noun is one of the held-out nouns. */
  readonly isHeldOutNoun: boolean
}

const patterns = topics.flatMap((topic) => [
  ...[...topic.questions, ...framedQuestions(topic)].map((question) =>
    entry(question, topic, false),
  ),
  ...topic.heldOutQuestions.map((question) => entry(question, topic, true)),
])

/** Finds the topic of a question that the grammar can have made, white space around it aside; else undefined. */
export function matchQuestion(question: string): QuestionMatch | undefined {
  const text = question.trim()
  for (const { topic, pattern, isHeldOutWording } of patterns) {
    const found = pattern.exec(text)
    if (!found) continue
    const noun = found[1]
    return {
      topic,
      isHeldOutWording,
      isHeldOutNoun: noun !== undefined && topic.heldOutNouns.includes(noun),
      ...(noun === undefined ? {} : { noun }),
    }
  }
  return undefined
}

function entry(question: string, topic: Topic, isHeldOutWording: boolean) {
  return { topic, isHeldOutWording, pattern: templatePattern(question, topic) }
}
