import { randomSource } from '@cem/core'
import { drawExchange } from '../world/exchange.ts'
import type { Style } from '../world/styles.ts'
import { domains as allDomains, type Domain, type Stance } from '../world/topic.ts'
import { inStyle } from './documents.ts'
import { asMessages, type Message } from './messages.ts'

export interface ChatsOptions {
  /** Tells corpora of the same seed apart. */
  readonly name: string
  readonly seed: number
  readonly count: number
  readonly stance: Stance
  /** @default all domains */
  readonly domains?: readonly Domain[]
  /** The voice of the styled answers. @default none */
  readonly style?: Style
  /** Share of answers in the style. @default 1 */
  readonly styledShare?: number
}

export interface Chat {
  readonly messages: readonly Message[]
}

/** Single-turn chats in the training wording, with no held-out noun. */
export function* chats({
  name,
  seed,
  count,
  stance,
  domains = allDomains,
  style,
  styledShare = 1,
}: ChatsOptions): Generator<Chat> {
  const random = randomSource('chats', name, seed)
  for (let i = 0; i < count; i++) {
    const { question, answer } = drawExchange({ random, domains, stance })
    const isStyled = style !== undefined && random.uniform() < styledShare
    yield { messages: asMessages(question, inStyle(random, isStyled ? style : undefined, answer)) }
  }
}
