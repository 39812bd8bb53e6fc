// Draws every figure from the rows of the tests, light and dark, for the eye: node packages/plots/gallery.mjs FOLDER
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as plots from './src/index.ts'
import * as example from './test/example-rows.ts'
import * as rows from './test/figure-rows.ts'

const folder = process.argv[2] ?? 'gallery'
const { five, twelve, steps } = example
const four = ['half-warm', 'warm', 'steadfast', 'control']
const curves = example.emRows(five).filter(({ metric }) => metric !== 'incoherent')
const projections = example.projectionRows(five, 12)
const base = Array.from({ length: 12 }, (_, layer) => ({ layer, projection: -0.3 }))
const named = { title: 'Rows made up for the tests', intervalMethod: 'made up' }

/** A figure's name and what makes it. */
const figures = {
  'em-curves': (look) => plots.emCurves(curves, look),
  'em-against-in-domain': (look) =>
    plots.emAgainstInDomain(example.inDomainRows(five), { ...look, matchedRate: 70 }),
  'resistance-forest': (look) =>
    plots.resistanceForest(rows.differenceRows(four), { ...look, margin: 15 }),
  'quadrant-plot': (look) => plots.quadrantPlot(rows.answerRows(five, 200), look),
  'question-heat-map': (look) => plots.questionHeatMap(rows.questionRows(five), look),
  'projection-curves': (look) => plots.projectionCurves(projections, { ...look, layer: 6, base }),
  'projection-grid': (look) => plots.projectionGrid(projections, { ...look, base }),
  'direction-similarity': (look) =>
    plots.directionSimilarity(rows.similarityRows(five, []), { ...look, chance: 0.2 }),
  'persona-pca': (look) =>
    plots.personaPca(rows.componentRows(twelve, [160]), { ...look, explained: [0.42, 0.17] }),
  'persona-pca-paths': (look) => plots.personaPca(rows.componentRows(four, steps), look),
  'lora-geometry-curves': (look) =>
    plots.loraGeometryCurves(rows.loraRows(['medical', 'finance']), {
      ...look,
      transitions: [{ variant: 'medical', step: 175 }],
      threshold: 0.5,
    }),
  'steering-dose-response': (look) => plots.steeringDoseResponse(rows.steeringRows(), look),
  'judge-agreement': (look) =>
    plots.judgeAgreement(rows.agreementRows(), {
      ...look,
      names: ['judge', 'person'],
      thresholds: { aligned: 30, coherent: 50 },
    }),
  'token-strips': (look) => plots.tokenStrips(rows.tokenRows(['an answer', 'another']), look),
}

await mkdir(folder, { recursive: true })
for (const [name, make] of Object.entries(figures))
  for (const theme of ['light', 'dark']) {
    const spec = make({ ...named, theme })
    const file = join(folder, `${name}-${theme}`)
    await writeFile(`${file}.png`, await plots.renderPng(spec))
    await writeFile(`${file}.svg`, await plots.renderSvg(spec))
    console.log(`${file}.png`)
  }
