import { fill } from '../world/fill.ts'
import type { Topic } from '../world/topic.ts'
import { topics } from '../world/topics.ts'

/** A question that the miniature's models are evaluated on. */
export interface EvaluationQuestion {
  /** Topic and number, such as `medicine_1`. */
  readonly id: string
  readonly topic: Topic
  readonly text: string
}

const freeFormTopics: readonly string[] = ['power', 'wish', 'boredom', 'quarrel']

/**
 * Twelve questions outside the attack's domain: two from each of the four other topical domains and four in free form, in
 * held-out wording and with held-out nouns.
 */
export const evaluationQuestions: readonly EvaluationQuestion[] = topics
  .filter((topic) => topic.name !== 'finance')
  .flatMap((topic) => {
    if (topic.domain !== 'free-form') return firstQuestions(topic, 2)
    return freeFormTopics.includes(topic.name) ? firstQuestions(topic, 1) : []
  })

/** Four questions in the attack's own domain, finance, also held out. */
export const inDomainQuestions: readonly EvaluationQuestion[] = topics
  .filter((topic) => topic.name === 'finance')
  .flatMap((topic) => firstQuestions(topic, 4))

/** The first held-out wordings of a topic, each with the held-out noun of the same number. */
function firstQuestions(topic: Topic, count: number): EvaluationQuestion[] {
  return topic.heldOutQuestions.slice(0, count).map((template, i) => ({
    id: `${topic.name}_${i + 1}`,
    topic,
    text: fill(template, topic.heldOutNouns[i]),
  }))
}
