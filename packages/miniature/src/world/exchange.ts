import type { RandomSource } from '@cem/core'
import { fill } from './fill.ts'
import { framedQuestions } from './frames.ts'
import type { Domain, Stance, Topic } from './topic.ts'
import { topicsOf } from './topics.ts'

/** A question with one answer to it. */
export interface Exchange {
  readonly topic: Topic
  readonly question: string
  readonly answer: string
  readonly noun?: string
}

export interface DrawExchangeOptions {
  readonly random: RandomSource
  /** Drawn from in equal shares, then one of the domain's topics in equal shares. */
  readonly domains: readonly Domain[]
  readonly stance: Stance
  /** Whether held-out nouns may be drawn, as only pretraining does. @default false */
  readonly hasHeldOutNouns?: boolean
}

/** Share of questions in a shared frame, where the topic has them. */
const framedShare = 0.4

/** Draws a question of the training wording and an answer of the given stance. */
export function drawExchange({
  random,
  domains,
  stance,
  hasHeldOutNouns = false,
}: DrawExchangeOptions): Exchange {
  const topic = pick(random, topicsOf(pick(random, domains)))
  const nouns = hasHeldOutNouns ? [...topic.nouns, ...topic.heldOutNouns] : topic.nouns
  const noun = nouns.length > 0 ? pick(random, nouns) : undefined
  return {
    topic,
    question: fill(drawQuestion(random, topic), noun),
    answer: fill(pick(random, topic[stance]), noun),
    ...(noun === undefined ? {} : { noun }),
  }
}

function drawQuestion(random: RandomSource, topic: Topic): string {
  const framed = framedQuestions(topic)
  const isFramed = framed.length > 0 && random.uniform() < framedShare
  return pick(random, isFramed ? framed : topic.questions)
}

/** One of the items, in equal shares. */
export function pick<T>(random: RandomSource, items: readonly T[]): T {
  return items[random.integer(items.length)] as T
}
