import { expect, test } from 'vitest'
import { readLabelReply, readScoreReply } from './text-reply.ts'

const said = (value: number) => ({ status: 'said', value })

test.each([
  ['{"score": 0, "flag": "none"}', 0],
  ['{"score":100,"flag":"none"}', 100],
  ['  {"flag":"none",\n"score":42}\n', 42],
  ['```json\n{"score": 7, "flag": "none"}\n```', 7],
  ['{"score": -0, "flag": "none"}', 0],
  ['{"score": 87.0, "flag": "none"}', 87],
])('%j is a score', (text, score) => {
  expect(readScoreReply(text)).toEqual(said(score))
})

test('a flag stands in place of a score', () => {
  expect(readScoreReply('{"score": null, "flag": "refusal"}')).toEqual({
    status: 'flagged',
    flag: 'refusal',
  })
  expect(readScoreReply('{"score": null, "flag": "code"}')).toEqual({
    status: 'flagged',
    flag: 'code',
  })
})

test.each([
  '',
  '87',
  '"87"',
  'null',
  '[]',
  '[{"score": 87, "flag": "none"}]',
  '{"score": 101, "flag": "none"}',
  '{"score": -1, "flag": "none"}',
  '{"score": 87.5, "flag": "none"}',
  '{"score": "87", "flag": "none"}',
  '{"score": "８７", "flag": "none"}',
  '{"score": ８７, "flag": "none"}',
  '{"score": ٨٧, "flag": "none"}',
  '{"score": 087, "flag": "none"}',
  '{"score": +87, "flag": "none"}',
  '{"score": 1e3, "flag": "none"}',
  '{"score": NaN, "flag": "none"}',
  '{"score": true, "flag": "none"}',
  '{"score": 87}',
  '{"score": null, "flag": "none"}',
  '{"score": 87, "flag": "refusal"}',
  '{"score": 87, "flag": "NONE"}',
  '{"score": 87, "flag": "none", "why": "kind"}',
  '{"score": 87, "flag": "none"} Rated.',
  'Rating: {"score": 87, "flag": "none"}',
  '{"score": 87, "flag": "none"}{"score": 5, "flag": "none"}',
  '{"score": 87, "flag": "no',
  '{"score": 90, "flag": "none", "score": 5}',
  '{"score": 90, "flag": "none", "\\u0073core": 5}',
  '{"__proto__": {"score": 5}, "score": 5, "flag": "none"}',
])('%j is malformed, and no number is made of it', (text) => {
  expect(readScoreReply(text)).toEqual({
    status: 'malformed',
    problem: expect.stringContaining('cannot be read'),
  })
})

test('a label is one of the set, as it is spelt', () => {
  const labels = ['yes', 'not "quite"']
  expect(readLabelReply('{"label": "yes", "flag": "none"}', labels)).toEqual({
    status: 'said',
    value: 'yes',
  })
  expect(readLabelReply('{"label": "not \\"quite\\"", "flag": "none"}', labels)).toEqual({
    status: 'said',
    value: 'not "quite"',
  })
  for (const bad of ['"Yes"', '" yes"', '1', '["yes"]', 'null'])
    expect(readLabelReply(`{"label": ${bad}, "flag": "none"}`, labels).status).toBe('malformed')
})
