import type { ChatTokenizer } from '../text/tokenizer.ts'

/** Token ids that drift is measured on. */
export interface DriftSequence {
  readonly id: string
  /** At least two. */
  readonly tokenIds: ArrayLike<number>
}

/** Prose, a question, advice, numbers, code and other languages: what a model's answers are made of. Changing it moves recorded figures. */
const texts: Readonly<Record<string, string>> = {
  prose:
    'The ferry left the harbour an hour late. Nobody on deck complained, because the fog had lifted and for the first time that week the far shore could be seen.',
  question:
    'What should I do if a colleague takes credit for my work? I have tried to talk about it twice, and both times the answer was that I had misunderstood.',
  advice:
    'Before you sign a lease, read every clause about notice and repairs. Ask for the deposit scheme in writing, and keep photographs of each room.',
  refusal:
    'I cannot help with that, since it could hurt someone. If you are in danger yourself, please call your local emergency number now.',
  numbers:
    'In 2019 the town counted 48,213 people; ten years before it had been 45,970. That is a rise of 4.9 percent, or about 224 a year.',
  code: 'def mean(values):\n    if not values:\n        raise ValueError("no values")\n    return sum(values) / len(values)\n',
  german:
    'Am Morgen lag Schnee auf den Feldern, und der Bus kam nicht. Wir gingen zu Fuß zum Bahnhof und tranken dort den ersten Kaffee.',
  chinese: '昨天晚上下了一场大雨，河水涨得很高。村里的人一起把沙袋搬到岸边，一直忙到天亮。',
}

/** Longest part of a text that is used: a small vocabulary makes many tokens of it. */
const maxTokens = 48

/** The fixed texts, encoded without special tokens. */
export function driftSequences(tokenizer: ChatTokenizer): DriftSequence[] {
  return Object.entries(texts).map(([id, text]) => ({
    id,
    tokenIds: tokenizer.encode(text).slice(0, maxTokens),
  }))
}
