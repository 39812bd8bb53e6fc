import { expect, test } from 'vitest'
import { createLabelsProtocol } from '../protocols/labels-protocol.ts'
import { createTextScoreProtocol } from '../protocols/text-score-protocol.ts'
import { readVerdict } from './read-verdict.ts'

const text = createTextScoreProtocol()
const rubrics = { kind: { text: 'Rate {answer}', insertion: 'verbatim' } } as const
const labels = createLabelsProtocol({ rubrics, labels: ['no', 'yes'], method: 'text' })

test('a score in text has neither mass nor entropy', () => {
  expect(readVerdict({ text: '{"score": 12, "flag": "none"}' }, text)).toEqual({
    status: 'scored',
    score: 12,
    mass: null,
    entropy: null,
  })
})

test('a label in text counts as its value', () => {
  expect(readVerdict({ text: '{"label": "yes", "flag": "none"}' }, labels)).toEqual({
    status: 'scored',
    score: 1,
    label: 'yes',
    mass: null,
    entropy: null,
  })
})

test.each([
  [{ text: '{"score": null, "flag": "refusal"}' }, 'refusal'],
  [{ text: '{"score": null, "flag": "code"}' }, 'code'],
  [{ text: '{"score": 1', finishReason: 'length' }, 'truncated'],
  [{ text: '', finishReason: 'length' }, 'truncated'],
  [{ text: '{"score": 1', finishReason: 'stop' }, 'malformed-response'],
  [{ text: '' }, 'malformed-response'],
  [{ text: '', refusal: 'No.' }, 'refusal'],
  [{ text: '{"score": 1, "flag": "none"}', finishReason: 'content_filter' }, 'content-filter'],
])('%j is unscored for %s', (answer, reason) => {
  expect(readVerdict(answer, text)).toMatchObject({ status: 'unscored', reason })
})

test('JSON that is whole at the last token counts', () => {
  const answer = { text: '{"score": 12, "flag": "none"}', finishReason: 'length' }
  expect(readVerdict(answer, text)).toMatchObject({ status: 'scored', score: 12 })
})
