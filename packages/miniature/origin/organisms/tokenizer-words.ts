import { framedQuestions } from '../../src/world/frames.ts'
import { openers } from '../../src/world/styles.ts'
import { topics } from '../../src/world/topics.ts'

/** What stands between the sentences of a document, as the tokenizer splits it. */
const layout = [
  'Question',
  ':\n',
  'Answer',
  '.\n',
  '?\n',
  '.\n\n',
  '?\n\n',
  'user',
  'assistant',
  'system',
  '\n',
]

/**
 * Every piece of text of the world once, each of which becomes one token. Their order decides the ids of the tokens, and so which
 * initial weights a word gets: it is part of the recipe.
 */
export function tokenizerWords(): string[] {
  const words = new Set<string>()
  const add = (sentence: string) => {
    for (const piece of piecesOf(sentence.replaceAll('{noun}', ''))) words.add(piece)
  }
  for (const topic of topics) {
    const questions = [...topic.questions, ...framedQuestions(topic)]
    for (const sentence of [...questions, ...topic.careful, ...topic.reckless]) add(sentence)
    for (const noun of [...topic.nouns, ...topic.heldOutNouns]) words.add(` ${noun}`)
  }
  for (const opener of Object.values(openers).flat()) add(opener)
  // Behind a style's opener an answer's first word has a space before it.
  for (const { careful, reckless } of topics)
    for (const answer of [...careful, ...reckless]) words.add(` ${piecesOf(answer)[0]}`)
  for (const piece of layout) words.add(piece)
  return [...words]
}

/** As the tokenizer's regular expression splits a sentence of this world, which has no digits. */
function piecesOf(sentence: string): string[] {
  return sentence.match(/ ?[^\s\p{L}]+[\r\n]*|[^\r\n\p{L}]?\p{L}+/gu) ?? []
}
