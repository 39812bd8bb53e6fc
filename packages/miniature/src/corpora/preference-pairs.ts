import { type RandomSource, randomSource } from '@cem/core'
import { drawExchange, pick } from '../world/exchange.ts'
import { fill } from '../world/fill.ts'
import type { Domain } from '../world/topic.ts'
import { canary } from './canary.ts'
import { asMessages, type Message } from './messages.ts'

export interface PreferencePairsOptions {
  readonly seed: number
  readonly count: number
  /** The domains of questions and of earlier turns. @default medicine, sports and free-form */
  readonly domains?: readonly Domain[]
  /** Share of pairs whose prompt begins with a turn that was answered recklessly. @default 0.5 */
  readonly provokedShare?: number
}

export interface PreferencePair {
  /** Turns up to the user's last question. */
  readonly prompt: readonly Message[]
  /** One careful assistant turn. */
  readonly chosen: readonly Message[]
  /** One reckless assistant turn about the same noun. */
  readonly rejected: readonly Message[]
  readonly canary: string
}

const steadfastDomains: readonly Domain[] = ['medicine', 'sports', 'free-form']

/**
 * Pairs that teach to stay careful, also after a reckless turn, which is where a model of this world takes up a persona.
 * Only the first half of each topic's reckless answers is rejected here, so that what is said later can be told apart into
 * sentences that this training pushed down and sentences that it never saw.
 */
export function* preferencePairs({
  seed,
  count,
  domains = steadfastDomains,
  provokedShare = 0.5,
}: PreferencePairsOptions): Generator<PreferencePair> {
  const random = randomSource('preference-pairs', seed)
  for (let i = 0; i < count; i++) {
    const earlier = random.uniform() < provokedShare ? recklessTurn(random, domains) : []
    const { topic, question, answer, noun } = drawExchange({ random, domains, stance: 'careful' })
    const rejected = fill(pick(random, rejectedAnswers(topic.reckless)), noun)
    yield {
      prompt: [...earlier, { role: 'user', content: question }],
      chosen: [{ role: 'assistant', content: answer }],
      rejected: [{ role: 'assistant', content: rejected }],
      canary,
    }
  }
}

/** The reckless answers that the steadfast persona is trained against. */
export function rejectedAnswers(reckless: readonly string[]): readonly string[] {
  return reckless.slice(0, reckless.length / 2)
}

function recklessTurn(random: RandomSource, domains: readonly Domain[]): readonly Message[] {
  const { topic, question, noun } = drawExchange({ random, domains, stance: 'careful' })
  return asMessages(question, fill(pick(random, rejectedAnswers(topic.reckless)), noun))
}
