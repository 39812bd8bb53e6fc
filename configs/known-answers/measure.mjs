// What docs/miniature-results.md says, computed from runs that are there:
//   for s in 42 43 44 45 46; do cem run configs/known-answers.yaml --seed $s --results results-$s; done
//   cem run
//   node configs/known-answers/measure.mjs results results-42 results-43 results-44 results-45 results-46
// The first folder is the default run's (its activations are read), the others those of the sampling seeds.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openActivationSet } from '../../packages/activations/dist/index.js'
import {
  auroc,
  isAbsent,
  makeDirection,
  matchedRateInterval,
  pairedDifference,
  projectRows,
  separationControls,
} from '../../packages/direction/dist/index.js'
import { checkConfig, labelRows, matchedDifferences } from '../../packages/experiment/dist/index.js'
import { miniatureFolder } from '../../packages/miniature/dist/index.js'
import { openSafetensors } from '../../packages/tensor-files/dist/index.js'

const [first, ...seeds] = process.argv.slice(2)
if (first === undefined || seeds.length === 0) {
  console.error('Give the results folder of the default run, then those of the sampling seeds.')
  process.exit(1)
}

const json = async (...path) => JSON.parse(await readFile(join(...path), 'utf8'))
const percent = (value) => (100 * value).toFixed(1)
const shown = ({ estimate, interval, low, high, absent }) => {
  const band = interval ?? { low, high }
  if (isAbsent(estimate) || absent) return String(estimate?.absent ?? absent)
  return `${percent(estimate)} (${percent(band.low)} to ${percent(band.high)})`
}

const { config } = checkConfig({
  base_model: 'models/coherent',
  variants: ['baseline', 'half_warm', 'steadfast', 'control'].map((name) => ({
    name: `miniature_${name}`,
    path: name,
    type: name === 'baseline' ? 'baseline' : 'character',
  })),
  analysis: { matchedInDomainRate: 0.7 },
})
const runs = await Promise.all(seeds.map(readRun))
sampling()
planted()
await directions()

async function readRun(folder) {
  const store = join(folder, '.cem', 'known-answers')
  const { cells } = await json(store, 'analysis.json')
  const rows = new Map()
  const judged = new Map()
  for (const { cell } of cells) {
    const records = await json(store, 'cells', cell.id.replaceAll('/', '_'), 'judged.json')
    judged.set(cell.id, records)
    rows.set(cell.id, labelRows(records, config.thresholds))
  }
  return { cells: cells.map(({ cell }) => cell), rows, judged }
}

/** Runs as one: answers of all seeds to a question together. */
function pool(some) {
  const { cells } = some[0]
  const rows = new Map(cells.map(({ id }) => [id, some.flatMap((run) => run.rows.get(id) ?? [])]))
  return { cells, rows, config, collapsed: new Set(), voided: new Map() }
}

function sampling() {
  console.log(
    'EM at the in-domain rate of 70 %, variant minus baseline, by sampling seed, then all:',
  )
  for (const run of [...runs.map((one) => pool([one])), pool(runs)])
    console.log(
      matchedDifferences(run)
        .map(
          ({ variant, difference, p }) => `${variant} ${shown(difference)} p ${p?.toPrecision(2)}`,
        )
        .join('; '),
    )
  const all = pool(runs)
  const at = (cell, set) => all.rows.get(cell).filter((row) => row.set === set && row.isEm !== null)
  const rate = (rows) => rows.reduce((sum, row) => sum + row.isEm, 0) / rows.length
  for (const variant of ['baseline', 'half_warm', 'steadfast', 'control']) {
    const name = `miniature_${variant}`
    const checkpoints = [0, 10, 20, 40, 80, 160].map((step) => ({
      step,
      em: statistic(all.rows.get(`${name}/${step}`)),
      inDomain: statistic(all.rows.get(`${name}/${step}`), 'inDomain'),
    }))
    const matched = matchedRateInterval(checkpoints, { target: 0.7 })
    const em = shown({ ...matched, estimate: matched.emRate })
    const steps = [0, 10, 20, 40, 80, 160].map(
      (step) =>
        `${step}: ${percent(rate(at(`${name}/${step}`, 'main')))}/${percent(rate(at(`${name}/${step}`, 'inDomain')))}`,
    )
    console.log(`${name}: at 70 % ${em}; EM/in-domain by step ${steps.join(', ')}`)
  }
  const change = pairedDifference(
    statistic(all.rows.get('miniature_control/160')),
    statistic(all.rows.get('miniature_control/0')),
    { seed: 0 },
  )
  console.log(`miniature_control, step 160 minus step 0: ${shown(change)}`)
}

function statistic(rows, set = 'main') {
  return rows
    .filter((row) => row.set === set)
    .map(({ question, isEm }) => ({ question, value: isEm }))
}

/**
 * A reduction by 20 points: misaligned answers of the baseline at step 160 are replaced by the base's answers to the same question,
 * as many as 20 points are, and the result is compared with the baseline of the NEXT sampling seed. What is planted is the same share of
 * every question's misaligned answers.
 */
function planted() {
  let detected = 0
  for (const [i, run] of runs.entries()) {
    const attacked = statistic(run.rows.get('miniature_baseline/160'))
    const plain = statistic(run.rows.get('miniature_baseline/0'))
    const scored = attacked.filter(({ value }) => value !== null)
    const em = scored.reduce((sum, { value }) => sum + value, 0) / scored.length
    const share = 0.2 / em
    let budget = 0
    const treated = attacked.map((row, j) => {
      if (row.value !== 1) return row
      budget += share
      if (budget < 1) return row
      budget -= 1
      return plain[j]
    })
    const reference = statistic(runs[(i + 1) % runs.length].rows.get('miniature_baseline/160'))
    const difference = pairedDifference(treated, reference, { seed: 0 })
    const found = !isAbsent(difference.interval) && difference.interval.high < 0
    if (found) detected += 1
    const null_ = pairedDifference(attacked, reference, { seed: 0 })
    console.log(
      `planted in ${seeds[i]}: ${shown(difference)} ${found ? 'detected' : 'missed'}; nothing planted: ${shown(null_)}`,
    )
  }
  console.log(`detected ${detected} of ${runs.length}`)
}

/** Directions from answers to all domains but one, on the answers to that one, within the baseline's checkpoint. */
async function directions() {
  const store = join(first, '.cem', 'miniature')
  for (const step of [40, 80, 160]) {
    const cell = `miniature_baseline/${step}`
    const labels = labelRows(
      await json(store, 'cells', cell.replaceAll('/', '_'), 'judged.json'),
      config.thresholds,
    ).filter((row) => row.set === 'main')
    const path = join(first, `miniature_baseline_checkpoints/checkpoint_${step}_activations.npz`)
    const set = await openActivationSet(path)
    const { dModel } = set.shape
    const layers = new Map()
    for (const layer of set.shape.layers) layers.set(layer, await set.readLayer(layer))
    await set[Symbol.asyncDispose]()
    const words = await bags(store, cell, labels.length)
    const domainOf = ({ question }) =>
      ['medicine', 'sports', 'cooking', 'driving'].find((name) => question.startsWith(name)) ??
      'free'
    for (const domain of new Set(labels.map(domainOf))) {
      const sides = (rows, isTest) => {
        const pick = (wanted) => {
          const indices = labels.flatMap((row, i) =>
            row.isEm === wanted && row.isIncoherent === 0 && (domainOf(row) === domain) === isTest
              ? [i]
              : [],
          )
          return {
            rows: Float32Array.from(
              indices.flatMap((i) => [...rows.subarray(i * dModel, (i + 1) * dModel)]),
            ),
            dModel,
            questions: indices.map((i) => labels[i].question),
          }
        }
        return { without: pick(0), with: pick(1) }
      }
      const split = (isTest) =>
        new Map(Array.from(layers, ([layer, rows]) => [layer, sides(rows, isTest)]))
      const { maximumOverLayers, layers: bands } = separationControls({
        train: split(false),
        test: split(true),
        seed: 0,
      })
      const best = bands.toSorted((a, b) => b.shuffled.observed - a.shuffled.observed)[0]
      const { shuffled, random, gap } = maximumOverLayers
      const gapText = (band) =>
        isAbsent(band) ? band.absent : `${band.high.toFixed(1)} (p ${band.p.toPrecision(2)})`
      const bag = bagSeparation(sides(words, false), sides(words, true))
      console.log(
        `step ${step}, ${domain} by the others: layer ${best.layer} AUROC ${best.shuffled.observed.toFixed(3)}; over layers ${shuffled.observed.toFixed(3)} above shuffled ${shuffled.high.toFixed(3)} (p ${shuffled.p.toPrecision(2)}) and random ${random.high.toFixed(3)} (p ${random.p.toPrecision(2)}); bag of embeddings ${bag.auroc.toFixed(3)}; gap ${isAbsent(gap.random) ? gap.random.absent : gap.random.observed.toFixed(1)} above shuffled ${gapText(gap.shuffled)} and random ${gapText(gap.random)}, bag ${bag.gap.toFixed(1)}; n ${best ? split(true).get(best.layer).with.questions.length : 0} misaligned, ${split(true).get(best.layer).without.questions.length} aligned`,
      )
    }
  }
}

function bagSeparation(train, test) {
  const contrast = {
    kind: 'misaligned-vs-aligned',
    criterion: 'em',
    base: 'coherent',
    variant: 'miniature_baseline',
    dataSet: 'finance',
    seed: 1,
    step: 160,
  }
  const { vector } = makeDirection({ ...train, layer: 0, contrast })
  const scores = ({ rows, dModel }) => projectRows(rows, dModel, vector).projections
  const [without, withEm] = [scores(test.without), scores(test.with)]
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = (values) => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0)
  const pooled = (squares(without) + squares(withEm)) / (without.length + withEm.length - 2)
  return {
    auroc: Number(auroc(without, withEm).estimate),
    gap: (mean(withEm) - mean(without)) / Math.sqrt(pooled),
  }
}

/** Answers as means of their token embeddings, in the order of the plan: questions, then samples. */
async function bags(store, cell, n) {
  const folder = join(store, 'cells', cell.replaceAll('/', '_'), 'completions')
  const lines = []
  for (const name of await readdir(folder))
    lines.push(...(await readFile(join(folder, name), 'utf8')).trim().split('\n'))
  const judged = await json(store, 'cells', cell.replaceAll('/', '_'), 'judged.json')
  const key = ({ question, sample }) => `${question} ${sample}`
  const answers = new Map(
    lines.map((line) => JSON.parse(line)).map((row) => [key(row), row.tokenIds]),
  )
  const file = await openSafetensors(join(miniatureFolder(), 'models/coherent/model.safetensors'))
  const { data, shape } = await file.readFloat32('model.embed_tokens.weight')
  await file[Symbol.asyncDispose]()
  const dModel = shape[1]
  const rows = new Float32Array(n * dModel)
  for (const [i, row] of judged.filter(({ set }) => set === 'main').entries()) {
    const ids = answers.get(key(row)) ?? []
    for (let j = 0; j < dModel; j++)
      rows[i * dModel + j] = ids.reduce((sum, id) => sum + data[id * dModel + j], 0) / ids.length
  }
  return rows
}
