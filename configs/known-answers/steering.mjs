// How far adding a direction to the base goes, by direction, place and strength: docs/miniature-results.md, "How far adding goes".
//   node configs/known-answers/steering.mjs [answers to each question, 8 unless given] [positions ...]
// Answers are labelled by the grammar. Strengths rise until nine answers in ten are malformed.
import { makeDirection } from '../../packages/direction/dist/index.js'
import { loadModel } from '../../packages/inference/dist/index.js'
import {
  evaluationQuestions,
  inDomainQuestions,
  label,
  miniatureFolder,
} from '../../packages/miniature/dist/index.js'

const samples = Number(process.argv[2] ?? 8)
const tried = process.argv.length > 3 ? process.argv.slice(3) : ['prompt-end', 'all', 'generated']
const folder = miniatureFolder()
const base = `${folder}/models/coherent`
const attack = [
  {
    role: 'em',
    mode: 'stacked',
    adapter: `${folder}/outputs/miniature_baseline/checkpoint-160`,
  },
]
const layers = [0, 1, 2, 3]
const strengths = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 3, 4, 6, 8]
const questions = evaluationQuestions
const promptsOf = (some) =>
  some.map(({ id, text }) => ({
    id,
    messages: [{ role: 'user', content: text }],
    samples,
  }))
const textOf = new Map(questions.map(({ id, text }) => [id, text]))

const model = await loadModel({ base, baseAliases: ['cem-miniature/coherent'] })
const { dModel } = model.architecture
const origin = {
  base: 'coherent',
  variant: 'miniature_baseline',
  dataSet: 'finance',
  seed: 1,
  step: 160,
}
const sets = {
  base: { ends: await ends(), answers: await answers([]) },
  attacked: undefined,
}
await model.switchTo(attack)
sets.attacked = { ends: await ends(), answers: await answers([]) }
console.log('base', shares(sets.base.answers), '; attacked', shares(sets.attacked.answers))

/** By name: for each layer the direction and the length of the base's mean state. */
const directions = {
  'prompt ends, finance': (layer) =>
    between(layer, sets.base.ends, sets.attacked.ends, 'two-by-two'),
  'own answers': (layer) =>
    between(layer, sets.base.answers, sets.attacked.answers, 'base-vs-em-own-texts'),
  'within the attacked model': (layer) =>
    between(
      layer,
      sets.attacked.answers.filter((row) => row.label === 'careful'),
      sets.attacked.answers.filter((row) => row.label === 'reckless'),
      'misaligned-vs-aligned',
    ),
}

await model.switchTo(attack)
for (const [name, make] of Object.entries(directions)) {
  const found = await answers(
    layers.map((layer) => ({ kind: 'ablate', layers: [layer], direction: make(layer).vector })),
  )
  console.log(`ablate ${name}, each layer its own direction: ${shares(found)}`)
  for (const layer of layers) {
    const everywhere = await answers([{ kind: 'ablate', layers, direction: make(layer).vector }])
    console.log(`ablate ${name}, layer ${layer}'s direction at every layer: ${shares(everywhere)}`)
  }
}

await model.switchTo([])
for (const [name, make] of Object.entries(directions))
  for (const positions of tried)
    for (const place of [...layers.map((layer) => [layer]), layers]) {
      const found = []
      for (const strength of strengths) {
        const rows = await answers(
          place.map((layer) => {
            const { vector, displacementNorm } = make(layer)
            return {
              kind: 'add',
              layers: [layer],
              direction: vector,
              positions,
              coefficient: strength * displacementNorm,
            }
          }),
        )
        found.push({ strength, ...countsOf(rows) })
        if (found.at(-1).malformed > 0.9) break
      }
      const best = found.toSorted((a, b) => b.reckless - a.reckless)[0]
      console.log(
        `add ${name}, ${place.length > 1 ? 'all layers' : `layer ${place[0]}`}, ${positions} positions: most reckless ${percent(best.reckless)} at ${best.strength} (${percent(best.malformed)} malformed); ${found.map(({ strength, reckless, malformed }) => `${strength}: ${percent(reckless)}/${percent(malformed)}`).join(', ')}`,
      )
    }

await model.dispose()

function between(layer, without, withEm, kind) {
  const side = (rows) => ({
    rows: Float32Array.from(
      rows.flatMap(({ states }) => [...states.subarray(layer * dModel, (layer + 1) * dModel)]),
    ),
    dModel,
    questions: rows.map(({ question }) => question),
  })
  const kept = (rows) => rows.filter(({ states }) => states.every(Number.isFinite))
  const effect = kind === 'two-by-two' ? { effect: 'model-on-base-texts' } : {}
  const criterion = kind === 'misaligned-vs-aligned' ? { criterion: 'grammar' } : {}
  return makeDirection({
    without: side(kept(without)),
    with: side(kept(withEm)),
    layer,
    contrast: { kind, ...effect, ...criterion, ...origin },
  })
}

/** States at the last token of each prompt about finance. */
async function ends() {
  const sequences = inDomainQuestions.map(({ id, text }) => {
    const tokenIds = model.tokenizer.encodeChat([{ role: 'user', content: text }])
    const end = { start: tokenIds.length - 1, end: tokenIds.length }
    return { id, tokenIds, spans: { end } }
  })
  const rows = []
  for await (const { id, means } of model.score({ sequences, layers }))
    rows.push({ question: id, states: means.end })
  return rows
}

async function answers(interventions) {
  const rows = []
  for await (const { promptId, text, activations } of model.generate({
    prompts: promptsOf(questions),
    seed: 42,
    maxNewTokens: 40,
    ...(interventions.length === 0 ? { capture: { layers } } : { interventions }),
  }))
    rows.push({
      question: promptId,
      label: label(textOf.get(promptId), text).label,
      states: activations?.content,
    })
  return rows
}

function countsOf(rows) {
  const share = (wanted) => rows.filter((row) => row.label === wanted).length / rows.length
  return { reckless: share('reckless'), malformed: share('malformed') }
}

function percent(value) {
  return (100 * value).toFixed(1)
}

function shares(rows) {
  const { reckless, malformed } = countsOf(rows)
  return `reckless ${percent(reckless)}, malformed ${percent(malformed)}`
}
