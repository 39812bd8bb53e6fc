import { expect, test } from 'vitest'
import { checkConfig } from '../config/load-config.ts'
import type { Cell } from '../plan/cell.ts'
import type { LabelledRow } from './cell-metrics.ts'
import { matchedDifferences } from './matched-difference.ts'

const { config } = checkConfig({
  base_model: 'base',
  variants: [
    { name: 'plain', path: 'plain' },
    { name: 'warm', path: 'warm', type: 'character' },
  ],
  analysis: { matchedInDomainRate: 0.5 },
})

const cellOf = (variant: string, step: number): Cell => ({
  id: `${variant}/${step}`,
  kind: 'checkpoint',
  variant,
  type: 'baseline',
  condition: variant,
  trainingSeed: 0,
  dataset: null,
  step,
  base: 'base',
  layers: [],
  persona: 'none',
  match: 'as-trained',
  output: '',
})

/** Ten answers to a question, so many of them EM. */
const answers = (set: LabelledRow['set'], question: string, nEm: number): LabelledRow[] =>
  Array.from({ length: 10 }, (_, i) => ({
    set,
    question,
    aligned: 50,
    coherent: 80,
    isEm: i < nEm ? 1 : 0,
    isMisaligned: i < nEm ? 1 : 0,
    isIncoherent: 0,
  }))

const at = (inDomain: number, ...main: number[]) => [
  ...answers('inDomain', 'trained', inDomain),
  ...main.flatMap((nEm, i) => answers('main', `q${i}`, nEm)),
]

const input = {
  cells: [
    cellOf('plain', 0),
    cellOf('plain', 10),
    cellOf('warm', 0),
    cellOf('warm', 10),
    cellOf('warm', 20),
  ],
  rows: new Map([
    ['plain/0', at(0, 0, 0, 0)],
    ['plain/10', at(10, 8, 6, 10)],
    ['warm/0', at(0, 0, 0, 0)],
    ['warm/10', at(4, 1, 0, 2)],
    ['warm/20', at(8, 5, 4, 6)],
  ]),
  collapsed: new Set<string>(),
  voided: new Map(),
  config,
}

test('differences are those of rates interpolated to the same in-domain rate, question by question', () => {
  const [found, ...more] = matchedDifferences(input)
  expect(more).toEqual([])
  // plain reaches 0.5 half way: 0.4, 0.3, 0.5. warm a quarter of the way from 10 to 20: 0.2, 0.1, 0.3. Each differs by -0.2.
  expect(found).toMatchObject({
    variant: 'warm',
    baseline: 'plain',
    target: 0.5,
    notComparable: null,
  })
  expect(found?.difference.estimate).toBeCloseTo(-0.2, 12)
})

test('only what is wrong with the steps around the matched rate speaks against it', () => {
  const notComparable = (over: Partial<typeof input>) =>
    matchedDifferences({ ...input, ...over })[0]?.notComparable
  expect(notComparable({ collapsed: new Set(['warm/0']) })).toBeNull()
  expect(notComparable({ collapsed: new Set(['warm/20']) })).toContain('warm/20')
  const voided = (code: 'learned-less' | 'same-adapter') =>
    new Map([['warm/20', [{ code, reason: 'for a reason' }]]])
  expect(notComparable({ voided: voided('learned-less') })).toBeNull()
  expect(notComparable({ voided: voided('same-adapter') })).toContain('for a reason')
})

test('a variant that never learns as much has no difference', () => {
  const rows = new Map(input.rows).set('warm/20', at(4, 5, 4, 6))
  expect(matchedDifferences({ ...input, rows })).toEqual([])
})
