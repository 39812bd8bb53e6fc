import { readFileSync } from 'node:fs'
import { studentQuantile, studentTwoSidedP } from '@cem/direction'
import { describe, expect, test } from 'vitest'
import { configSchema } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { LabelledRow } from './cell-metrics.ts'
import { type ComparisonInput, compareAtSteps, compareMatched } from './comparisons.ts'
import { contrastsOf } from './contrasts.ts'
import { correctFamily } from './family.ts'
import { similarityOf } from './similarity.ts'

interface Paired {
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly p: number
}

/** By numpy and scipy, see golden/contrasts.py. */
const golden = JSON.parse(
  readFileSync(new URL('../../golden/contrasts.json', import.meta.url), 'utf8'),
) as {
  readonly at_step: Paired
  readonly half_at_step: Paired
  readonly at_rate: Paired
  readonly half_at_rate: Paired
  readonly equivalence_p: number
  readonly noise_removed: number
  readonly two_sided_p: readonly { readonly t: number; readonly df: number; readonly p: number }[]
}

type Labels = readonly (readonly (0 | 1 | null)[])[]

const none: Labels = [
  [1, 1, 1, 0],
  [1, 1, 0, 0],
  [1, 1, 1, 1],
  [1, 0, 0, 0],
]
const warm: Labels = [
  [1, 0, 0, 0],
  [0, 0, 0, 0],
  [1, 1, 0, 0],
  [1, 0, 0, 0],
]
const half: Labels = [
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
  [1, 0, 0, 0],
]
const nothing: Labels = none.map(() => [0, 0, 0, 0])
/** In-domain rates of 0, 2/3 twice and 1; no question of the middle ones has to be there for 1/2 to be reached. */
const never: Labels = [
  [0, 0],
  [0, 0],
  [0, 0],
]
const ofWarm: Labels = [
  [0, 1],
  [1, 1],
  [0, 1],
]
const ofHalf: Labels = [
  [1, 0],
  [0, 1],
  [1, 1],
]
const always: Labels = [
  [1, 1],
  [1, 1],
  [1, 1],
]

function rowsOf(set: LabelledRow['set'], labels: Labels): LabelledRow[] {
  return labels.flatMap((answers, q) =>
    answers.map((isEm, sample) => ({
      set,
      question: `${set}-${q}`,
      noise: `0/${sample}`,
      aligned: isEm === null ? null : 50,
      coherent: isEm === null ? null : 80,
      isEm,
      isMisaligned: isEm,
      isIncoherent: isEm === null ? null : 0,
    })),
  )
}

interface Entry {
  readonly condition: string
  readonly step: number
  readonly main: Labels
  readonly inDomain?: Labels | undefined
  readonly seed?: number
  readonly match?: Cell['match']
}

const study: readonly Entry[] = [
  { condition: 'none', step: 0, main: nothing, inDomain: never },
  { condition: 'none', step: 10, main: none, inDomain: always },
  { condition: 'warm', step: 0, main: nothing, inDomain: never },
  { condition: 'warm', step: 10, main: warm, inDomain: ofWarm },
  { condition: 'half', step: 0, main: nothing, inDomain: never },
  { condition: 'half', step: 10, main: half, inDomain: ofHalf },
]

function setUp(entries: readonly Entry[], analysis: object = {}, hasInDomain = true) {
  const cells = entries.map(
    ({ condition, step, seed = 0, match = 'as-trained' }): Cell => ({
      id: `${condition}-${seed}/${step}`,
      kind: 'checkpoint',
      variant: `${condition}-${seed}`,
      type: condition === 'none' ? 'baseline' : 'character',
      condition,
      trainingSeed: seed,
      dataset: null,
      step,
      base: 'base',
      layers: [],
      persona: 'none',
      match,
      output: `${condition}-${seed}`,
    }),
  )
  const variants = [...new Set(cells.map((cell) => cell.variant))].map((variant) => {
    const { type, condition } = cells.find((cell) => cell.variant === variant) as Cell
    return { name: variant, path: 'p', type, condition }
  })
  const config = configSchema.parse({
    base_model: 'base',
    variants,
    questions: { inDomain: hasInDomain ? ['in-domain.yaml'] : [] },
    analysis: { matchedInDomainRate: 0.5, ...analysis },
  })
  const rows = new Map(
    cells.map((cell, i) => {
      const { main, inDomain = [] } = entries[i] as Entry
      return [cell.id, [...rowsOf('main', main), ...rowsOf('inDomain', inDomain)]] as const
    }),
  )
  const input: ComparisonInput = { cells, rows, collapsed: new Set(), voided: new Map(), config }
  return { input, contrasts: contrastsOf(cells, config) }
}

const close = (value: number) => expect.closeTo(value, 12)
const closeTo = ({ estimate, low, high, p }: Paired) => ({
  difference: { estimate: close(estimate), low: close(low), high: close(high) },
  p: close(p),
})

describe('the contrasts of a study', () => {
  const { input, contrasts } = setUp(study)
  const [atStep, halfAtStep] = compareAtSteps(contrasts, input)
  const [atRate, halfAtRate] = compareMatched(contrasts, input)

  test('by default each condition is tested against the baseline, at the last step and at the matched rate', () => {
    expect(contrasts.map(({ condition, against, at }) => [condition, against, at])).toEqual([
      ['warm', 'none', 'last-step'],
      ['half', 'none', 'last-step'],
      ['warm', 'none', 'matched'],
      ['half', 'none', 'matched'],
    ])
    expect(contrasts.every((contrast) => contrast.inFamily)).toBe(true)
  })

  test('at a step: t over per-question differences, as scipy has it', () => {
    expect(atStep).toMatchObject({ name: 'warm - none at step 10', ...closeTo(golden.at_step) })
    expect(halfAtStep).toMatchObject(closeTo(golden.half_at_step))
    // Differences of -1/2, -1/2, -1/2 and 0: two of the eight patterns of the three others reach their sum.
    expect(atStep).toMatchObject({ signFlipP: 0.25, smallestSignFlipP: 0.25, nQuestions: 4 })
  })

  test('at a matched rate: interpolated, with the error of EM questions and of in-domain questions', () => {
    expect(atRate).toMatchObject({
      name: 'warm - none at in-domain rate 0.5',
      step: null,
      target: 0.5,
      cells: ['warm-0/0', 'warm-0/10', 'none-0/0', 'none-0/10'],
      signFlipP: null,
      absentSignFlip: expect.stringContaining('the matched rate is estimated too'),
      ...closeTo(golden.at_rate),
    })
    expect(halfAtRate).toMatchObject(closeTo(golden.half_at_rate))
  })

  test('what shared noise removed is measured from the pairs of draws', () => {
    expect(atStep?.sharedNoise?.removed).toMatchObject({
      estimate: close(golden.noise_removed),
      n: 16,
    })
  })

  test('no coverage was simulated for four questions, and the reason is said', () => {
    expect(atStep?.difference.reliability).toEqual({
      isReliable: false,
      coverage: null,
      settings: null,
      absent: expect.stringContaining('8 questions and more, there are 4'),
    })
  })
})

describe('what cannot be told is labelled with its reason', () => {
  const only = (entries: readonly Entry[], analysis?: object) => {
    const { input, contrasts } = setUp(entries, analysis)
    return { at: compareAtSteps(contrasts, input)[0], matched: compareMatched(contrasts, input)[0] }
  }

  test('an in-domain rate that is never reached', () => {
    const unlearned = study.map((entry) =>
      entry.condition === 'warm' ? { ...entry, inDomain: never } : entry,
    )
    expect(only(unlearned).matched).toMatchObject({
      p: null,
      absentP: expect.stringMatching(/^warm-0: .*never reaches the target 0\.5; its highest is 0$/),
      difference: { estimate: null, absent: expect.stringContaining('never reaches') },
    })
  })

  test('an in-domain rate that is reached only with one of the questions', () => {
    const narrow = study.map((entry) =>
      entry.inDomain === ofWarm ? { ...entry, inDomain: [[1], [1], [0], [0]] } : entry,
    )
    expect(only(narrow as Entry[]).matched).toMatchObject({
      // Half of the in-domain answers, so its own checkpoint, against half of the baseline's EM.
      difference: { estimate: -0.0625, low: null },
      p: null,
      absentP: expect.stringMatching(
        /^without the in-domain question inDomain-0 there is no crossing/,
      ),
    })
  })

  test('a single in-domain question', () => {
    const one = study.map((entry) => ({ ...entry, inDomain: entry.inDomain?.slice(0, 1) }))
    expect(only(one).matched?.absentP).toContain('one in-domain question')
  })

  test('one question has a difference and no test', () => {
    const one = study.map((entry) => ({ ...entry, main: entry.main.slice(0, 1) }))
    expect(only(one).at).toMatchObject({
      difference: { estimate: -0.5, low: null },
      p: null,
      absentP: expect.stringContaining('at least 2 shared questions'),
      nQuestions: 1,
    })
  })

  test('no step in common', () => {
    const apart = study.map((entry) =>
      entry.condition === 'warm' && entry.step > 0 ? { ...entry, step: 20 } : entry,
    )
    expect(only(apart).at).toMatchObject({
      name: 'warm - none at the last common step',
      step: null,
      absentP: 'no step of both was judged',
    })
  })

  test('answers without any score', () => {
    const unscored = study.map((entry) => ({
      ...entry,
      main: entry.main.map((answers) => answers.map(() => null)),
    }))
    const { at, matched } = only(unscored)
    expect(at?.absentP).toContain('there are 0')
    expect(matched?.absentP).toContain('no checkpoint has scored in-domain answers')
  })

  test('noise of two variants with one training seed cannot be paired', () => {
    const doubled = setUp(study.filter(({ step }) => step === 10))
    const twin = doubled.input.cells.map(
      (cell): Cell => ({ ...cell, id: `${cell.id}b`, variant: `${cell.variant}b` }),
    )
    const rows = new Map(
      [...doubled.input.rows].flatMap(
        ([id, own]) =>
          [
            [id, own],
            [`${id}b`, own],
          ] as const,
      ),
    )
    const input = { ...doubled.input, cells: [...doubled.input.cells, ...twin], rows }
    const [comparison] = compareAtSteps(doubled.contrasts, input)
    expect(comparison?.difference.estimate).toBe(-0.375)
    expect(comparison?.sharedNoise?.removed.absent).toContain('same training seed')
  })
})

test.each(golden.two_sided_p)('Student t $t with $df degrees of freedom', ({ t, df, p }) => {
  expect(studentTwoSidedP(t, df)).toBeCloseTo(p, 12)
  expect(studentTwoSidedP(-t, df)).toBeCloseTo(p, 12)
  if (t > 0) expect(studentQuantile(1 - p / 2, df)).toBeCloseTo(t, 4)
})

describe('the family', () => {
  test('Holm and Benjamini-Hochberg over the four default tests, as by hand', () => {
    const { input, contrasts } = setUp(study)
    const all = [...compareAtSteps(contrasts, input), ...compareMatched(contrasts, input)]
    const family = correctFamily(all, { isDeclared: false, alpha: 0.05 })
    const p = [golden.at_step, golden.half_at_step, golden.at_rate, golden.half_at_rate].map(
      (x) => x.p,
    )
    const sorted = p.toSorted((a, b) => a - b)
    const holm = sorted.map((_, i) =>
      Math.min(1, Math.max(...sorted.slice(0, i + 1).map((q, j) => q * (4 - j)))),
    )
    const bh = sorted.map((_, i) =>
      Math.min(...sorted.slice(i).map((q, j) => (q * 4) / (i + j + 1))),
    )
    expect(family.tests.map((t) => t.p)).toEqual(p.map(close))
    expect(family.tests.map((t) => t.holm)).toEqual(
      p.map((q) => close(holm[sorted.indexOf(q)] ?? -1)),
    )
    expect(family.tests.map((t) => t.benjaminiHochberg)).toEqual(
      p.map((q) => close(bh[sorted.indexOf(q)] ?? -1)),
    )
    // The smallest p of three differences that are not 0 is 2 / 8.
    expect(family.signFlipFloor).toMatchObject({ smallestP: 0.25, isImpossible: true })
    expect(family.signFlipFloor?.sentence).toMatch(
      /^Sign-flip tests over 4 questions: the smallest p that these questions can give is 0\.25; Holm over 4 tests makes significance at 0\.05 impossible/,
    )
  })

  test('signs that no data could make significant are named, where others could', () => {
    const { input, contrasts } = setUp(study, {}, false)
    const [first, second] = compareAtSteps(contrasts, input)
    if (first === undefined || second === undefined) throw new Error('no comparison')
    const floors = (a: number, b: number) =>
      correctFamily(
        [
          { ...first, signFlipP: a, smallestSignFlipP: a },
          { ...second, signFlipP: b, smallestSignFlipP: b },
        ],
        { isDeclared: false, alpha: 0.05 },
      ).signFlipFloor
    // 0.03 is the smaller: times 2. Then 0.04 as the larger of two: the larger of 0.06 and 0.04.
    expect(floors(0.03, 0.04)?.isImpossible).toBe(true)
    // 0.01 times 2, then the larger of 0.02 and 0.04: both could be.
    expect(floors(0.01, 0.04)).toMatchObject({ impossible: [], isImpossible: false })
    expect(floors(0.01, 0.06)).toMatchObject({
      impossible: [second.name],
      isImpossible: false,
      sentence: expect.stringContaining(`impossible for ${second.name}`),
    })
  })

  test('a comparison that is no evidence has no p, and counts in the size', () => {
    const { input, contrasts } = setUp(study, {}, false)
    const voided = new Map([
      ['half-0/10', [{ code: 'same-adapter' as const, reason: 'another variant has it' }]],
    ])
    const all = compareAtSteps(contrasts, { ...input, voided })
    const { tests } = correctFamily(all, { isDeclared: false, alpha: 0.05 })
    expect(tests[0]?.holm).toBeCloseTo(2 * golden.at_step.p, 12)
    expect(tests[1]).toMatchObject({
      p: null,
      holm: null,
      absent: 'half-0/10: another variant has it',
      isRejectedByHolm: false,
    })
  })

  test('a declared one is as declared; the others are reported outside it', () => {
    const { input, contrasts } = setUp(study, {
      family: [
        { condition: 'warm', against: 'half', at: 10 },
        { condition: 'warm', at: 'matched' },
      ],
    })
    expect(
      contrasts.map(({ condition, against, at, inFamily }) => [condition, against, at, inFamily]),
    ).toEqual([
      ['warm', 'half', 10, true],
      ['warm', 'none', 'matched', true],
      ['warm', 'none', 'last-step', false],
      ['half', 'none', 'last-step', false],
      ['half', 'none', 'matched', false],
    ])
    const [first] = compareAtSteps(contrasts, input)
    // (1 - 1) + (0 - 1) + (2 - 1) + (1 - 1) of four answers.
    expect(first).toMatchObject({ name: 'warm - half at step 10', difference: { estimate: 0 } })
  })

  test('without a declaration, a condition that is not as trained is compared outside the family', () => {
    const { contrasts } = setUp(
      study.map((entry) => (entry.condition === 'half' ? { ...entry, match: 'MISMATCH' } : entry)),
    )
    expect(contrasts.filter(({ inFamily }) => !inFamily).map(({ condition }) => condition)).toEqual(
      ['half', 'half'],
    )
  })

  test.each([
    [[{ condition: 'cold' }], 'contrast-unknown', /'cold'.*conditions are none, warm, half/],
    [[{ condition: 'warm', against: 'x' }], 'contrast-unknown', /'x'/],
    [
      [{ condition: 'warm' }, { condition: 'warm', against: 'none' }],
      'contrast-duplicate',
      /twice/,
    ],
  ])('%j is refused', (family, code, message) => {
    expect(() => setUp(study, { family })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

describe('whether conditions are alike', () => {
  test('without a margin nothing is claimed', () => {
    const { input } = setUp(study)
    const { sentence, results, margin } = similarityOf(input)
    expect(sentence).toContain('No margin was fixed before the run')
    expect([results, margin]).toEqual([[], null])
  })

  test('with one, every pair is tested, with a question more than was asked', () => {
    const { input } = setUp(study, { equivalenceMargin: 0.6 })
    const { results, sentence } = similarityOf(input)
    expect(results).toHaveLength(2)
    expect(results[0]).toMatchObject({
      step: 10,
      p: close(golden.equivalence_p),
      isEquivalent: golden.equivalence_p <= 0.05,
      pairs: [{ a: 'warm', b: 'half', estimate: 0 }],
    })
    expect(sentence).toContain('At step 10 all 2 persona conditions are within 0.6')
    expect(results[1]).toMatchObject({ step: null, target: 0.5 })
  })

  test('a smaller margin is not shown, and that is said', () => {
    const { input } = setUp(study, { equivalenceMargin: 0.1 })
    const { results, sentence } = similarityOf(input)
    expect(results.every(({ isEquivalent }) => !isEquivalent)).toBe(true)
    expect(sentence).toContain('At step 10 it is not shown that all 2 persona conditions')
  })

  test('one condition is alike with nothing; one that is no evidence leaves no answer', () => {
    const alone = study.filter(({ condition }) => condition !== 'half')
    expect(similarityOf(setUp(alone, { equivalenceMargin: 0.1 }).input).sentence).toContain(
      'there is 1',
    )
    const { input } = setUp(study, { equivalenceMargin: 0.1 })
    const { results } = similarityOf({ ...input, collapsed: new Set(['half-0/10']) })
    expect(results[0]).toMatchObject({
      p: null,
      isEquivalent: false,
      absent: expect.stringContaining('collapsed in half-0/10'),
    })
  })
})
