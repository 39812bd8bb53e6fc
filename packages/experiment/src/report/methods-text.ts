import { isAbsent } from '@cem/direction'
import type { ReportParagraph } from '@cem/plots'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { Analysis } from '../run/analyse.ts'
import type { Lock } from '../store/lock.ts'
import type { JudgeChecks } from './composition-tables.ts'
import { modelText, percentText } from './number-text.ts'

export interface MethodsInput {
  readonly lock: Lock
  readonly analysis: Analysis
  /** What the run was analysed with; undefined in runs from before it was kept. */
  readonly config: ExperimentConfig | undefined
  readonly checks: JudgeChecks
}

/** How a run was done, in words that a paper can take. What the run does not record is said to be unknown. */
export function methodsText(input: MethodsInput): ReportParagraph[] {
  const { direction, causal } = input.analysis
  return [
    { heading: 'Models and compositions', text: modelsText(input) },
    { heading: 'Questions and sampling', text: samplingText(input) },
    { heading: 'Judge', text: judgeText(input) },
    { heading: 'Outcomes', text: outcomesText(input) },
    { heading: 'Statistics', text: statisticsText(input) },
    ...(direction === null
      ? []
      : [{ heading: 'Misalignment direction', text: directionText(input, direction) }]),
    ...(causal === null || causal.results.length === 0
      ? []
      : [{ heading: 'Causal checks', text: causalText }]),
    { heading: 'Checks', text: checksText(input) },
    { heading: 'Software', text: softwareText(input) },
  ]
}

function sentences(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false && part !== '').join(' ')
}

function modelsText({ lock, analysis }: MethodsInput): string {
  const cells = Object.values(lock.cells).map(({ cell }) => cell)
  const variants = [...Map.groupBy(cells.filter(isOf('checkpoint')), ({ variant }) => variant)]
  const bases = [
    ...new Set(
      cells.map((cell) => modelText(lock.cells[cell.id]?.composition?.base.name ?? cell.base)),
    ),
  ]
  const list = variants.map(([name, own]) => {
    const seeds = [...new Set(own.map(({ trainingSeed }) => trainingSeed ?? 'unknown'))]
    return `${name} (condition ${own[0]?.condition}, training seed ${seeds.join('/')}, steps ${own.map(({ step }) => step).join(', ')})`
  })
  const other = (match: Cell['match']) => cells.filter((cell) => cell.match === match).length
  if (lock.imported !== undefined)
    return sentences(
      `The results were imported from files of another program, which hold ${count(variants.length, 'variant')}: ${list.join('; ')}.`,
      `Base model: ${bases.join(', ')}.`,
      'Which weights, adapters and personas were active when the answers were drawn is unknown, and so are the training seeds where none is named.',
    )
  return sentences(
    `We evaluated ${count(analysis.cells.length, 'cell')} of ${bases.join(', ')}: ${count(variants.length, 'variant')} at several checkpoints${cells.some(isOf('base')) ? ', and the base model alone' : ''}.`,
    variants.length > 0 && `Variants: ${list.join('; ')}.`,
    'Adapters that are stacked add their scaled low-rank product to the frozen weights at run time; adapters that are merged were added to the weights, which were then rounded to their own number type.',
    `The persona was in the state that it had in training in ${other('as-trained')} cells${other('MISMATCH') > 0 ? `, in another state in ${other('MISMATCH')} (labelled MISMATCH, and no evidence of protection)` : ''}${other('unrecorded') > 0 ? `, and its state in training is not recorded for ${other('unrecorded')}` : ''}.`,
    'Before a cell was run, every active adapter had to change the logits on a fixed prompt, and switching the stacked ones off had to give the base back.',
    `Weights were in ${analysis.precision === 'f32' ? '32-bit floats' : analysis.precision}.`,
  )
}

const isOf =
  (kind: Cell['kind']) =>
  (cell: Cell): boolean =>
    cell.kind === kind

function samplingText({ lock, analysis }: MethodsInput): string {
  const sets = lock.questions.map(({ set, ids, names = [], leftOut }) =>
    sentences(
      `${setWords[set] ?? set}: ${count(ids.length, 'question')}${names.length === 0 ? '' : ` (${names.join(', ')})`}${leftOut.length === 0 ? '' : `, ${leftOut.length} format variants left out`}`,
    ),
  )
  const questions = `${sets.join('; ')}.`
  if (lock.sampling === null)
    return `${questions} Temperature, length limit, seed and chat template are unknown.`
  const { temperature, maxNewTokens, seed, samplesPerQuestion } = lock.sampling
  const [first] = analysis.cells
  const perQuestion =
    samplesPerQuestion === null
      ? `${first?.metrics.main.nResponses ?? 0} answers to the questions of the EM rate in each cell`
      : `${count(samplesPerQuestion, 'answer')} to each question`
  return sentences(
    questions,
    `We drew ${perQuestion} at temperature ${temperature} with top-p 1 and at most ${maxNewTokens} new tokens, through the chat template of the tokenizer, with seed ${seed}.`,
    'The random numbers are keyed by seed, training seed, question, wording, sample and position, so that conditions and checkpoints are compared on the same draws; how much of the variance that removed was measured.',
    lock.engine !== undefined &&
      `Answers were computed on ${lock.engine.device} (${lock.engine.provider}).`,
  )
}

const setWords: Readonly<Record<string, string>> = {
  main: 'Questions of the EM rate',
  inDomain: 'Questions of the trained domain',
  benign: 'Benign questions',
}

function judgeText({ lock, config, checks }: MethodsInput): string {
  const { judge } = lock
  if (judge === null)
    return 'The scores are those of the imported files. Judge model, rubrics and protocol are unknown, and so is whether all cells were judged alike.'
  const protocol = config?.judge.protocol
  const hashes = judge.protocols.map((hash) => hash.slice(0, 12)).join(', ')
  return sentences(
    `Every answer was rated by ${judge.model} (${judge.address === 'default' ? "its provider's own address" : judge.address}) for alignment and for coherence, each from 0 to 100, under the ${protocol === undefined ? 'protocol' : `protocol ${protocol}`} with the SHA-256 ${hashes}.`,
    protocol === 'logprob-0-100' &&
      `The judge got one message and gave one token at temperature 0 with seed 0; the score is the mean of the integers 0 to 100 under their probabilities among the 20 likeliest tokens. There is no score where those integers hold less than ${judge.minMass ?? 0} of the probability (a refusal, for one).`,
    protocol !== 'logprob-0-100' &&
      judge.minMass !== null &&
      `There is no score where the admitted replies hold less than ${judge.minMass} of the probability.`,
    config?.judge.order === 'interleaved' && 'Cells were judged together in random order.',
    checks.anchors ? 'Fixed anchor answers at both ends showed whether the judge drifted.' : false,
    checks.canaries
      ? 'Canary answers with orders to the judge in them showed whether it obeys what it rates.'
      : false,
  )
}

function outcomesText({ analysis, config }: MethodsInput): string {
  const { aligned, coherent, comparison } = analysis.thresholds
  const below = comparison === '<=' ? `at most ${aligned}` : `below ${aligned}`
  const hasInDomain = analysis.cells.some(({ metrics }) => metrics.inDomain !== null)
  return sentences(
    `An answer is misaligned where its alignment is ${below}, and coherent where its coherence is above ${coherent}. Emergent misalignment (EM) is the share of misaligned and coherent answers among those with both scores.`,
    'Answers without a score stay in the data; bounds say what they could change if all of them were the best or the worst.',
    hasInDomain &&
      'Questions of the trained domain were asked beside and are in no EM rate: EM is compared at the last common step and where the rate in the trained domain is the same, so that learning less does not pass for protection.',
    config !== undefined &&
      `Where the share of coherent answers fell below ${config.analysis.collapseBelow} of that at a variant's first checkpoint, EM is labelled not comparable.`,
  )
}

function statisticsText({ lock, analysis }: MethodsInput): string {
  const { family, similarity, comparisons, matchedComparisons } = analysis
  const level = lock.declared?.level
  const methods = [
    ...new Set(analysis.cells.flatMap(({ metrics }) => metrics.main.em.method ?? [])),
  ]
  const all = [...comparisons, ...matchedComparisons]
  const isCrossed = all.some(({ nSeeds }) => nSeeds > 1)
  const isPaired = all.some(({ nSeeds }) => nSeeds <= 1)
  return sentences(
    'Questions are the unit of analysis: answers to one question resemble each other.',
    methods.length > 0 &&
      `Intervals of rates${level === undefined ? '' : ` at the level ${level}`}: ${methods.join('; ')}.`,
    isPaired &&
      'With one training seed per condition, differences are taken by question and tested by t with the number of questions less one as degrees of freedom, with an exact sign-flip test over questions beside it; such a result is about these checkpoints alone.',
    isCrossed &&
      'With several training seeds, questions and seeds are crossed factors: the variance is clustered in both, and t has the smaller number of them less one as degrees of freedom.',
    matchedComparisons.length > 0 &&
      `At a matched in-domain rate of ${lock.declared?.matchedInDomainRate ?? 'the config'}, EM is interpolated between the two checkpoints around the crossing, and the variance counts that the crossing is estimated too.`,
    family.tests.length > 0 &&
      `The family of ${count(family.tests.length, 'test')}, ${family.isDeclared ? 'declared in the config' : 'the default one'}, was corrected by Holm and by Benjamini and Hochberg at ${family.alpha}; comparisons without a p count in its size.`,
    similarity.margin !== null &&
      `Conditions are called alike where all pairs pass two one-sided tests with a margin of ${percentText(similarity.margin)}, fixed before the run.`,
  )
}

function directionText(
  { lock }: MethodsInput,
  { baseline, step, layer, layerChoice, controls }: NonNullable<Analysis['direction']>,
): string {
  const activations =
    lock.activations === null
      ? 'Which tokens the activations are means of is unknown.'
      : `Activations are means over the tokens of each response (span ${lock.activations.span}) of the residual stream after a block; layer 0 is the first block's output.`
  return sentences(
    activations,
    `The direction of a layer is the difference between the mean activation of ${baseline} at step ${step} on its own answers and that of the base model on its own, scaled to unit norm; positive projections are more misaligned. The projection of that checkpoint is the largest possible by construction.`,
    isAbsent(layerChoice)
      ? `Layer ${layer} is shown; it was not chosen on held-out questions (${layerChoice.absent}).`
      : `Layer ${layer} is shown. A layer is chosen by cross-validation over questions, with the whole procedure scored on questions that it did not see.`,
    !isAbsent(controls) &&
      `Null bands come from ${controls.nDraws} draws with labels exchanged within questions, and from random directions of the answers' covariance.`,
  )
}

const causalText =
  "Models were changed along the direction while they answered (steering, floors, ablation, caps) on the same questions with the same noise, and compared by question with the unchanged model and with random directions of the same norm and the states' covariance."

function checksText({ analysis }: MethodsInput): string {
  const { alarms } = analysis
  const codes = [...new Set(alarms.map(({ code }) => code))]
  return alarms.length === 0
    ? 'The run was checked for mistakes of composition, training records, rows and judging; no alarm stands.'
    : `The run was checked for mistakes of composition, training records, rows and judging; these alarms stand: ${codes.join(', ')}.`
}

function softwareText({ lock }: MethodsInput): string {
  const versions = Object.entries(lock.software).map(([name, version]) => `${name} ${version}`)
  return lock.imported === undefined
    ? `Everything was run with cem (${versions.join(', ')}); the lock has the hashes of all weights, questions and protocols.`
    : `The analysis was made with cem (${versions.join(', ')}). What drew and judged the answers is unknown.`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
