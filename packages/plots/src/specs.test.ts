import { expect, test } from 'vitest'
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
  resistanceForest,
  steeringDoseResponse,
  tokenStrips,
} from './index.ts'

const cell = { variant: 'a', step: 40 }
const interval = { value: 12, low: 8, high: 17, n: 96 }

/** Each figure of the fewest rows that show its parts. */
const specs = {
  emCurves: emCurves([{ ...cell, metric: 'em', ...interval }]),
  emAgainstInDomain: emAgainstInDomain(
    [{ ...cell, em: 12, emLow: 8, emHigh: 17, inDomain: 60, inDomainLow: 50, inDomainHigh: 70 }],
    { matchedRate: 70 },
  ),
  projectionCurves: projectionCurves([{ ...cell, layer: 3, projection: 1.5, low: 1, high: 2 }], {
    layer: 3,
    base: [{ layer: 3, projection: -1 }],
  }),
  projectionGrid: projectionGrid([{ ...cell, layer: 3, projection: 1.5, low: 1, high: 2 }]),
  resistanceForest: resistanceForest(
    [
      {
        variant: 'a',
        against: 'b',
        difference: -5,
        low: -8,
        high: -2,
        equivalenceLow: -7,
        equivalenceHigh: -3,
        p: 0.01,
        n: 8,
      },
    ],
    { margin: 10 },
  ),
  quadrantPlot: quadrantPlot([{ variant: 'a', aligned: 20, coherent: 80, question: 'q' }]),
  questionHeatMap: questionHeatMap([{ variant: 'a', question: 'q', ...interval }]),
  directionSimilarity: directionSimilarity([{ a: 'x', b: 'y', cosine: 0.5 }]),
  personaPca: personaPca([{ ...cell, pc1: 1, pc2: 2 }], { explained: [0.5, 0.2] }),
  loraGeometryCurves: loraGeometryCurves([{ ...cell, measure: 'normB', value: 1.5 }]),
  steeringDoseResponse: steeringDoseResponse([
    { model: 'base', action: 'add', strength: 0.5, rate: 'em', ...interval },
  ]),
  judgeAgreement: judgeAgreement([{ metric: 'aligned', first: 20, second: 30 }], {
    thresholds: { aligned: 30 },
  }),
  tokenStrips: tokenStrips([{ response: 'r', token: ' word', projection: 1 }]),
}

test.each(Object.entries(specs))('the spec of %s is as it was', (_, spec) => {
  expect(shortened(spec)).toMatchSnapshot()
})

/** Without the config, which all share, and with long data (keys of colours) cut. */
function shortened(spec: object): unknown {
  return JSON.parse(JSON.stringify(spec), (key, value: unknown) => {
    if (key === 'config') return undefined
    if (key === 'values' && Array.isArray(value) && value.length > 12)
      return [...value.slice(0, 2), `and ${value.length - 2} more`]
    return value
  })
}

test.each(Object.entries(specs))(
  'the spec of %s holds its data, and a tooltip on its marks',
  (_, spec) => {
    const text = JSON.stringify(spec)
    expect(text).not.toContain('"url"')
    expect(text).toContain('"tooltip"')
    expect(JSON.stringify(JSON.parse(text))).toBe(text)
  },
)
