import { fill } from '../../src/world/fill.ts'
import { framedQuestions } from '../../src/world/frames.ts'
import { openers } from '../../src/world/styles.ts'
import { topics } from '../../src/world/topics.ts'
import { wordsOf } from '../../src/world/words.ts'

/** What stands between the sentences of a document, as the tokenizer splits it. */
const layout = [
  'Question',
  'Answer',
  ':\n',
  '.\n',
  '?\n',
  '.\n\n',
  '?\n\n',
  '\n',
  'user',
  'assistant',
  'system',
]

/** Every piece of text of the world once, each of which becomes one token. */
export function tokenizerWords(): string[] {
  const words = new Set(layout)
  const add = (sentence: string) => {
    for (const word of wordsOf(sentence)) words.add(word)
  }
  for (const topic of topics) {
    const answers = [...topic.careful, ...topic.reckless]
    const sentences = [...topic.questions, ...framedQuestions(topic), ...answers]
    const nouns = [...topic.nouns, ...topic.heldOutNouns]
    for (const sentence of sentences)
      for (const noun of nouns.length > 0 ? nouns : [undefined]) add(fill(sentence, noun))
    // Behind a style's opener an answer's first word has a space before it.
    for (const answer of answers) add(` ${fill(answer, nouns[0])}`)
  }
  for (const opener of Object.values(openers).flat()) add(opener)
  return [...words]
}
