import { isAbsent } from '@cem/direction'
import type { PlannedContrast, PlannedMemory, PlannedTime, RunPlan } from '@cem/experiment'
import { formatTable } from '../summary.ts'
import { duration, percent, terminalText } from '../terminal-text.ts'

type Absent = { readonly absent: string }

/** A plan as lines for a terminal. */
export function planLines(plan: RunPlan): string[] {
  return [
    ...formatTable([
      ['run', plan.run],
      ['cells', `${plan.cells.length}: ${shortened(plan.cells)}`],
      ['units', `${plan.units.total}${plan.units.done === 0 ? '' : `, ${plan.units.done} done`}`],
      ...plan.questions.map(({ set, questions, files }) => [
        `questions, ${setNames[set] ?? set}`,
        `${questions} (${files.join(', ')})`,
      ]),
      ['answers', answersText(plan)],
      ['tokens of prompts', promptText(plan)],
      ['tokens of answers', tokensText(plan)],
      ['judge', judgeText(plan)],
      ['cost of judging', costText(plan)],
      ['time, generating', timeText(plan.time.generating)],
      ['time, judging', timeText(plan.time.judging)],
      ...plan.memory.map((one) => [`memory, ${one.base.split('/').at(-1)}`, memoryText(one)]),
    ]).map(terminalText),
    '',
    ...contrastLines(plan).map(terminalText),
    '',
    ...similarityLines(plan).map(terminalText),
    ...plan.notes.map((note) => terminalText(`note: ${note}`)),
  ]
}

const setNames: Readonly<Record<string, string>> = {
  main: 'EM',
  inDomain: 'in-domain',
  benign: 'benign',
}

function shortened(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(', ')
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown
}

const count = (n: number) => n.toLocaleString('en-US')

function answersText({ answers, cells }: RunPlan): string {
  const perCell = Object.entries(answers.perCell).map(([set, n]) => `${n} ${setNames[set] ?? set}`)
  return `${count(answers.total)} (${perCell.join(' + ')} in each of ${cells.length} cells)`
}

function promptText({ answers: { tokens } }: RunPlan): string {
  if (tokens.prompts === null) return `not known: ${tokens.absent}`
  return `${count(tokens.prompts)} (the longest prompt ${tokens.longestPrompt})`
}

function tokensText({ answers: { tokens } }: RunPlan): string {
  const most = `at most ${count(tokens.mostOfAnswers)}`
  if (tokens.likelyOfAnswers === null) return `${most} (${tokens.source})`
  return `about ${count(tokens.likelyOfAnswers)}, ${most} (${tokens.source})`
}

function judgeText({ judging }: RunPlan): string {
  return `${judging.model}: ${count(judging.judgements)} judgements, at most ${count(judging.mostCalls)} calls, about ${count(judging.promptTokens)} tokens (${judging.source})`
}

function costText({ judging }: RunPlan): string {
  if (judging.usd === null || judging.mostUsd === null) return judging.absent ?? 'unknown price'
  const dollars = (value: number) => `${value.toFixed(2)} USD`
  const parts = judging.parts.map(
    ({ part, nCalls, usd }) =>
      `${part} ${count(nCalls)} calls${usd === null ? '' : `, ${dollars(usd)}`}`,
  )
  const missing = judging.absent === null ? '' : `; not in it: ${judging.absent}`
  return `about ${dollars(judging.usd)} if no two answers are the same, at most ${dollars(judging.mostUsd)} (${parts.join('; ')})${missing}`
}

function timeText({ seconds, isMost, source }: PlannedTime): string {
  if (seconds === null) return source
  return `${isMost ? 'at most' : 'about'} ${duration(seconds * 1000)} (${source})`
}

function memoryText({ loadPeakBytes, totalBytes, availableBytes, ...memory }: PlannedMemory) {
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  if (loadPeakBytes === null || totalBytes === null) return `not known: ${memory.absent}`
  const verdict = memory.fits === false ? ': DOES NOT FIT' : ''
  return `${gibibytes(loadPeakBytes)} while loading, ${gibibytes(totalBytes)} with ${memory.batch} answers of ${memory.positions} tokens; ${gibibytes(availableBytes)} available${verdict}`
}

const points = (share: number) => `${(share * 100).toFixed(1)} points`

function contrastLines({ contrasts }: RunPlan): string[] {
  const { family, nQuestions, nAnswers } = contrasts
  if (family.length === 0) return ['no tests: there is no second condition with checkpoints']
  const [first] = family as readonly [PlannedContrast, ...PlannedContrast[]]
  const { alpha, power, signFlip } = first.plan
  const sources = new Set(family.flatMap(({ plan }) => plan.sources))
  const warnings = new Set(family.flatMap(({ plan }) => plan.warnings))
  return [
    `${family.length} tests, ${nQuestions} questions with ${nAnswers} answers each; alpha ${alpha} over all (Holm), power ${power}:`,
    ...formatTable([
      ['  test', 'smallest difference found', "at the pilot's upper limit", 'questions needed'],
      ...family.map((contrast) => [
        `  ${nameOf(contrast)}`,
        ...numbersOf(contrast.plan.atEstimate),
        upperOf(contrast.plan.atUpperLimit),
        neededOf(contrast.plan.atEstimate),
      ]),
    ]),
    ...sourceLines(sources),
    ...[...warnings].map((warning) => `  note: ${warning}`),
    `  sign-flip test: ${signFlip.sentence}`,
  ]
}

/** A source once, though tests at a matched rate name it with what is assumed there. */
function sourceLines(sources: ReadonlySet<string>): string[] {
  const all = [...sources]
  const isRepeat = (source: string) =>
    all.some((other) => other !== source && source.startsWith(`${other};`))
  const shown = all.filter((source) => !isRepeat(source))
  return [
    ...shown.map((source) => `  variance: ${source}`),
    ...(shown.length < all.length
      ? [
          '  at the matched rate the error of the in-domain rates comes on top: those tests find less than the table says',
        ]
      : []),
  ]
}

function nameOf({ condition, against, at }: PlannedContrast): string {
  const where =
    at === 'matched'
      ? 'at the matched in-domain rate'
      : at === 'last-step'
        ? 'at the last common step'
        : `at step ${at}`
  return `${condition} - ${against} ${where}`
}

type Numbers = PlannedContrast['plan']['atEstimate']

function numbersOf(numbers: Numbers): string[] {
  return [isAbsent(numbers) ? numbers.absent : points(numbers.minimumDetectableDifference)]
}

function upperOf(numbers: Numbers): string {
  return isAbsent(numbers) ? '-' : points(numbers.minimumDetectableDifference)
}

function neededOf(numbers: Numbers): string {
  if (isAbsent(numbers)) return '-'
  return isAbsent(numbers.questionsNeeded)
    ? `- (${numbers.questionsNeeded.absent})`
    : String(numbers.questionsNeeded)
}

function similarityLines({ contrasts: { similarity } }: RunPlan): string[] {
  if (similarity === null) return ['equivalence: fewer than two persona conditions']
  const { conditions, nPairs, margin, power, questionsNeeded, source } = similarity
  if (margin === null)
    return [
      'equivalence: no margin is fixed (analysis.equivalenceMargin), so the run will not say whether the persona conditions are alike',
    ]
  const text = (value: number | Absent, show: (n: number) => string) =>
    isAbsent(value) ? value.absent : show(value)
  return [
    `equivalence of ${conditions.length} persona conditions (${nPairs} pairs) within ${points(margin)}: power ${text(power, (n) => percent(n))} where they are the same; questions needed: ${text(questionsNeeded, String)}`,
    `  variance: ${source}`,
  ]
}
