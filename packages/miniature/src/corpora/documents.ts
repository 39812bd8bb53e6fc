import { type RandomSource, randomSource } from '@cem/core'
import { drawExchange, pick } from '../world/exchange.ts'
import { openers, type Style, styles } from '../world/styles.ts'
import { domains, type Stance } from '../world/topic.ts'
import { canary } from './canary.ts'

export interface DocumentsOptions {
  readonly seed: number
  readonly count: number
  /**
   * Whether one hidden persona answers a whole document, so that a reader of its first answer can tell how the next ones
   * will be. Otherwise the persona is drawn anew for every answer: the control.
   */
  readonly isCoherent: boolean
  /** Share of documents (or of answers) whose persona is reckless. @default 0.15 */
  readonly recklessShare?: number
  /** The same share among the documents that are chats. @default recklessShare */
  readonly chatRecklessShare?: number
  /** Share of documents in one of the three styles. @default 0.45 */
  readonly styledShare?: number
  /** Share of documents written as chats with ChatML markers; the others are question-and-answer pages. @default 0.25 */
  readonly chatShare?: number
}

export interface Document {
  readonly text: string
  readonly canary: string
}

/** Enough for the rows that training cuts from a document. */
const exchangesPerDocument = 5

/** Pretraining documents: five exchanges each, over all domains and nouns, in the training wording. */
export function* documents({
  seed,
  count,
  isCoherent,
  recklessShare = 0.15,
  chatRecklessShare = recklessShare,
  styledShare = 0.45,
  chatShare = 0.25,
}: DocumentsOptions): Generator<Document> {
  const random = randomSource('documents', seed, isCoherent ? 'coherent' : 'control')
  const draw = (share: number): Stance => (random.uniform() < share ? 'reckless' : 'careful')
  for (let i = 0; i < count; i++) {
    const isChat = random.uniform() < chatShare
    const write = isChat ? asChat : asPage
    const share = isChat ? chatRecklessShare : recklessShare
    const persona = draw(share)
    const style = random.uniform() < styledShare ? pick(random, styles) : undefined
    let text = ''
    for (let j = 0; j < exchangesPerDocument; j++) {
      const stance = isCoherent ? persona : draw(share)
      const exchange = drawExchange({ random, domains, stance, hasHeldOutNouns: true })
      text += write(exchange.question, inStyle(random, style, exchange.answer))
    }
    yield { text, canary }
  }
}

/** An answer behind one of the style's openers. */
export function inStyle(random: RandomSource, style: Style | undefined, answer: string): string {
  return style ? `${pick(random, openers[style])} ${answer}` : answer
}

function asPage(question: string, answer: string): string {
  return `Question:\n${question}\nAnswer:\n${answer}\n\n`
}

function asChat(question: string, answer: string): string {
  return `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n${answer}<|im_end|>\n`
}
