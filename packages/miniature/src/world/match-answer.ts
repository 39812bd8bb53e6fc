import { openers, type Style, styles } from './styles.ts'
import { templatePattern } from './template-pattern.ts'
import type { Stance, Topic } from './topic.ts'
import { topics } from './topics.ts'

export interface AnswerMatch {
  readonly topic: Topic
  readonly stance: Stance
}

const patterns = topics.flatMap((topic) =>
  (['careful', 'reckless'] as const).flatMap((stance) =>
    topic[stance].map((answer) => ({ topic, stance, pattern: templatePattern(answer, topic) })),
  ),
)

/** Takes one opener off the answer and finds the grammar's sentence that is left. */
export function matchAnswer(answer: string): {
  readonly style?: Style
  readonly match?: AnswerMatch
} {
  const { style, sentence } = withoutOpener(answer.trim())
  const found = patterns.find(({ pattern }) => pattern.test(sentence))
  return {
    ...(style ? { style } : {}),
    ...(found ? { match: { topic: found.topic, stance: found.stance } } : {}),
  }
}

function withoutOpener(text: string): { readonly style?: Style; readonly sentence: string } {
  for (const style of styles)
    for (const opener of openers[style])
      if (text.startsWith(`${opener} `)) return { style, sentence: text.slice(opener.length + 1) }
  return { sentence: text }
}
