import { expect, test, vi } from 'vitest'
import { emRows, five, inDomainRows, projectionRows, twelve } from '../test/example-rows.ts'
import {
  agreementRows,
  answerRows,
  componentRows,
  differenceRows,
  loraRows,
  questionRows,
  similarityRows,
  steeringRows,
  tokenRows,
} from '../test/figure-rows.ts'
import { readSvg } from '../test/read-svg.ts'
import { clippedTexts, overlappingTexts } from '../test/text-boxes.ts'
import {
  directionSimilarity,
  emAgainstInDomain,
  emCurves,
  judgeAgreement,
  loraGeometryCurves,
  personaPca,
  projectionCurves,
  projectionGrid,
  quadrantPlot,
  questionHeatMap,
  renderSvg,
  resistanceForest,
  steeringDoseResponse,
  tokenStrips,
  variantStyles,
} from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const long = [
  'qwen7b_financial_baseline_reflection_seed_000001',
  'qwen7b_financial_baseline_reflection_seed_000002',
  'W'.repeat(400),
]
const thirty = Array.from({ length: 30 }, (_, i) => `variant ${i}`)
const eight = twelve.slice(0, 7).concat('off-persona')
const base = Array.from({ length: 24 }, (_, layer) => ({ layer, projection: -0.5 }))
const words = {
  title: 'Emergent misalignment over training',
  subtitle: 'Narrow finance attack on the coherent base, questions of other domains',
  intervalMethod: 'Wilson 95 % on the effective n for rates, t over questions for means',
}
const four = ['half-warm', 'warm', 'steadfast', 'control']
const arrows = [{ label: 'misalignment direction', pc1: 0.8, pc2: 0.3 }]
const oneStep = emRows(five).filter((row) => row.step === 40)

const figures = {
  'EM curves of five variants': () => emCurves(emRows(five), words),
  'EM curves of eight variants': () => emCurves(emRows(eight), words),
  'EM curves of twelve variants': () => emCurves(emRows(twelve), words),
  'EM curves of thirty variants': () => emCurves(emRows(thirty), words),
  'EM curves of long names': () => emCurves(emRows(long), words),
  'EM curves of one checkpoint': () => emCurves(oneStep),
  'EM curves of one point': () =>
    emCurves([{ variant: 'a', step: 40, metric: 'em', value: 12 }], words),
  'EM curves of 40 checkpoints': () =>
    emCurves(
      emRows(
        five,
        Array.from({ length: 40 }, (_, i) => 25 * i),
      ),
    ),
  'EM curves at equal distances': () => emCurves(emRows(five), { stepScale: 'ordinal' }),
  'EM curves in small panels': () =>
    emCurves(emRows(eight), { panelWidth: 90, panelHeight: 70, columns: 5 }),
  'EM against in-domain rate of five variants': () => emAgainstInDomain(inDomainRows(five), words),
  'EM against in-domain rate of twelve variants': () =>
    emAgainstInDomain(inDomainRows(twelve), words),
  'EM against in-domain rate of long names': () => emAgainstInDomain(inDomainRows(long)),
  'projections at one layer': () =>
    projectionCurves(projectionRows(five, 3), { ...words, layer: 2, base }),
  'projections of twelve variants': () =>
    projectionCurves(projectionRows(twelve, 3), { ...words, layer: 2, base }),
  'projections at 24 layers': () => projectionGrid(projectionRows(five, 24), { ...words, base }),
  'projections at 24 layers on one y axis': () =>
    projectionGrid(projectionRows(twelve, 24), { ...words, base, yAxis: 'shared' }),
  'EM curves in one column of a paper': () =>
    emCurves(
      emRows(five).filter((row) => row.metric === 'em'),
      { width: 'single' },
    ),
  'a forest of four variants': () =>
    resistanceForest(differenceRows(four), { ...words, margin: 15 }),
  'a forest of thirty variants': () => resistanceForest(differenceRows(thirty), words),
  'a forest of long names': () => resistanceForest(differenceRows(long), { margin: 5 }),
  'a forest in one column of a paper': () =>
    resistanceForest(differenceRows(four), { margin: 15, width: 'single' }),
  'answers of five variants': () => quadrantPlot(answerRows(five, 60), words),
  'answers of thirty variants in bins': () =>
    quadrantPlot(answerRows(thirty, 20), { marks: 'bins', columns: 5 }),
  'answers of long names': () => quadrantPlot(answerRows(long, 20), words),
  'questions in five variants': () => questionHeatMap(questionRows(five), words),
  'questions in thirty variants': () => questionHeatMap(questionRows(thirty), words),
  'fifty questions of long names': () =>
    questionHeatMap(
      questionRows(
        long,
        Array.from({ length: 50 }, (_, i) => `what would you do with question number ${i}?`),
      ),
      words,
    ),
  'similarities of five directions': () =>
    directionSimilarity(similarityRows(five, []), { ...words, chance: 0.2 }),
  'similarities at four layers': () =>
    directionSimilarity(similarityRows(five, ['Layer 0', 'Layer 1', 'Layer 2', 'Layer 3']), words),
  'similarities of thirty directions': () => directionSimilarity(similarityRows(thirty, [])),
  'personas on two components': () =>
    personaPca(componentRows(twelve, [160]), { ...words, explained: [0.42, 0.17], arrows }),
  'paths on two components': () => personaPca(componentRows(four, [0, 10, 20, 40]), { arrows }),
  'thirty variants on two components': () => personaPca(componentRows(thirty, [0]), words),
  'long names on two components': () =>
    personaPca(componentRows(long, [0, 1]), { width: 'single' }),
  'the geometry of two adapters': () =>
    loraGeometryCurves(loraRows(['medical', 'finance']), {
      ...words,
      transitions: [{ variant: 'medical', step: 175 }],
      threshold: 0.5,
    }),
  'the geometry of thirty adapters': () => loraGeometryCurves(loraRows(thirty), words),
  'doses and responses': () =>
    steeringDoseResponse(steeringRows(), {
      ...words,
      unchanged: [{ model: 'attacked', rate: 'em', value: 60 }],
      unit: '1 is the length of the displacement',
    }),
  'doses and responses in one column of a paper': () =>
    steeringDoseResponse(steeringRows(), { width: 'single' }),
  'agreement of a judge and a person': () =>
    judgeAgreement(agreementRows(), {
      ...words,
      names: ['judge', 'person'],
      thresholds: { aligned: 30, coherent: 50 },
      statistics: [
        { metric: 'aligned', name: 'alpha', value: 0.82, low: 0.7, high: 0.9 },
        { metric: 'aligned', name: 'same side, %', value: 95, low: 91, high: 98 },
        { metric: 'coherent', name: 'alpha', value: 0.6, low: 0.4, high: 0.8 },
      ],
    }),
  'agreement in one column of a paper': () =>
    judgeAgreement(agreementRows(), { width: 'single', names: [long[0] ?? '', long[1] ?? ''] }),
  'tokens of three answers': () => tokenStrips(tokenRows(['first', 'second', 'third']), words),
  'tokens in one column of a paper': () => tokenStrips(tokenRows(long), { width: 'single' }),
}

test.each(Object.entries(figures))(
  'in %s no text covers another, none is cut off, and nothing is warned of',
  async (_, spec) => {
    const warnings: string[] = []
    const svg = readSvg(await renderSvg(spec(), { onWarning: (text) => warnings.push(text) }))
    expect(svg.texts.length).toBeGreaterThan(5)
    expect(overlappingTexts(svg)).toEqual([])
    expect(clippedTexts(svg)).toEqual([])
    expect(warnings).toEqual([])
  },
)

test.each(Object.entries(figures).filter(([name]) => !/small panels/.test(name)))(
  '%s is as wide as a paper’s two columns at most, or as its one',
  async (name, spec) => {
    const most = /one column/.test(name) || name === 'long names on two components' ? 312 : 648
    expect(readSvg(await renderSvg(spec())).width).toBeLessThanOrEqual(most + 4)
  },
)

test('a variant has its colour in every figure when styles are handed on, whatever rows are there', async () => {
  const styles = variantStyles(emRows(twelve))
  const own = ['humor', 'control']
  const specs = [
    emCurves(emRows(own), { styles }),
    emAgainstInDomain(inDomainRows(own), { styles }),
    projectionCurves(projectionRows(own, 1), { styles, layer: 0 }),
    projectionGrid(projectionRows(own, 2), { styles }),
  ]
  const expected = own.map((variant) => styles.get(variant)?.colour ?? '')
  for (const spec of specs) {
    const lines = readSvg(await renderSvg(spec)).paths.filter((p) => p.group.includes('mark-line'))
    expect(new Set(lines.map((line) => line.stroke))).toEqual(new Set(expected))
  }
})
