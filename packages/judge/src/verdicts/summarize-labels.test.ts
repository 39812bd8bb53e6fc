import { expect, test } from 'vitest'
import { createLabelsProtocol } from '../protocols/labels-protocol.ts'
import { summarizeLabels } from './summarize-labels.ts'
import type { Verdict } from './verdict.ts'

const rubrics = { role: { text: 'Rate {answer}', insertion: 'verbatim' } } as const
const protocol = createLabelsProtocol({ rubrics, labels: ['0', '1', '3'] })
const labelled = (label: string, score: number) => ({ status: 'scored', label, score }) as Verdict
const unscored = (reason: string) => ({ status: 'unscored', reason }) as Verdict

test('labels are counted, and bounds say what the unscored could change', () => {
  const verdicts = [
    labelled('0', 0.5),
    labelled('3', 2.5),
    labelled('3', 3),
    unscored('refusal'),
    undefined,
  ]
  expect(summarizeLabels(verdicts, protocol)).toEqual({
    scored: 3,
    unscored: 2,
    reasons: { refusal: 1, 'not-judged': 1 },
    labels: {
      '0': { count: 1, share: 1 / 3, bounds: { lowest: 0.2, highest: 0.6 } },
      '1': { count: 0, share: 0, bounds: { lowest: 0, highest: 0.4 } },
      '3': { count: 2, share: 2 / 3, bounds: { lowest: 0.4, highest: 0.8 } },
    },
    mean: 2,
    // 6 of five, with two zeros and with two threes.
    meanBounds: { lowest: 1.2, highest: 2.4 },
  })
})

test('no verdicts give no numbers', () => {
  const { mean, meanBounds, labels } = summarizeLabels([], protocol)
  expect({ mean, meanBounds, label: labels['0'] }).toEqual({
    mean: null,
    meanBounds: null,
    label: { count: 0, share: null, bounds: null },
  })
})

test('a verdict of another protocol is refused, not counted somewhere', () => {
  expect(() => summarizeLabels([labelled('2', 2)], protocol)).toThrow(/has the label "2".*0, 1, 3/)
  const score = { status: 'scored', score: 50 } as Verdict
  expect(() => summarizeLabels([score], protocol)).toThrow(/has no label/)
})
