import { CemError, messageOf } from '@cem/core'
import {
  type Cell,
  type CompletionRecord,
  type FigureLook,
  type RunFigure,
  RunStore,
  readLock,
} from '@cem/experiment'
import { type TokenRow, tokenStrips } from '@cem/plots'
import type { RunFolder } from '../run-folder.ts'
import { type Answer, readAnswers, type Thresholds } from '../ui/data/answers.ts'
import { type TokenProjections, TokenProjector } from '../ui/data/token-projections.ts'
import { scoreText } from '../ui/score-text.ts'

export interface TokenFigureOptions extends RunFolder {
  readonly thresholds: Thresholds
  /** The variant whose answer decides which draw is shown. @default the first one */
  readonly baseline?: string | undefined
  /** Ids of cells whose coherence collapsed. @default none */
  readonly collapsed?: readonly string[] | undefined
  /** Ids of cells. @default the last checkpoint of each variant */
  readonly cells?: readonly string[] | undefined
  /** Id of a question. @default that of the baseline's worst answer */
  readonly question?: string | undefined
  /** Number of a draw. @default that of the worst answer */
  readonly sample?: number | undefined
  readonly look?: FigureLook | undefined
}

/** An answer that was projected, by what it is called in the figure. */
export interface ProjectedAnswer {
  readonly name: string
  readonly projections: TokenProjections
  /** Of the noise: answers of other training seeds are drawn on their own. */
  readonly replicate: CompletionRecord['replicate']
}

export interface TokenFigure {
  /** The question and the draw. */
  readonly heading: string
  readonly answers: readonly ProjectedAnswer[]
  readonly figure: Omit<RunFigure, 'kind'>
  /** Cells that are not in it, each with the reason. */
  readonly leftOut: readonly string[]
}

/**
 * One draw of several checkpoints, token by token on the run's direction: the same question and the same noise. Each cell's model is
 * loaded, one after the other, and the answer that is stored goes through it.
 *
 * @throws CemError `usage` for cells and answers that are not there, `figure-no-data` where no answer can be projected
 */
export async function tokenFigure(options: TokenFigureOptions): Promise<TokenFigure> {
  const { resultsFolder, run, thresholds, look } = options
  const { folder } = new RunStore(resultsFolder, run)
  const cells = await chosenCells(options)
  const draw = await chosenDraw(folder, cells, options)
  const projected: ProjectedAnswer[] = []
  const leftOut: string[] = []
  await using projector = new TokenProjector(folder)
  for (const cell of cells) {
    const answer = (await readAnswers(folder, cell, thresholds)).answers.find(isOf(draw))
    if (answer === undefined) {
      leftOut.push(`${cell.id}: it has no such answer`)
      continue
    }
    try {
      const projections = await projector.project(cell, answer.completion)
      if (projections.tokens.length === 0) leftOut.push(`${cell.id}: its answer is empty`)
      else {
        const { replicate } = answer.completion
        projected.push({ name: nameOf(cell, answer, options), projections, replicate })
      }
    } catch (error) {
      if (!CemError.isInstance(error)) throw error
      const message = messageOf(error)
      leftOut.push(message.startsWith(cell.id) ? message : `${cell.id}: ${message}`)
    }
  }
  const [first] = projected
  if (first === undefined)
    throw new CemError({
      code: 'figure-no-data',
      message: `No answer of the run '${run}' can be projected. ${leftOut.join('; ')}`,
      data: { run, leftOut },
    })
  const rows = projected.flatMap(rowsOf)
  const heading = headingOf(draw, projected)
  const spec = specOf(rows, first.projections, heading, look)
  return { heading, answers: projected, figure: { name: `token_strips_${run}`, spec }, leftOut }
}

interface Draw {
  readonly question: string
  readonly paraphrase: number
  readonly sample: number
  readonly wording: string
}

function headingOf(
  { wording, question, sample }: Draw,
  answers: readonly ProjectedAnswer[],
): string {
  const isSame = new Set(answers.map(({ replicate }) => replicate)).size === 1
  const noise = isSame ? 'the same noise for all' : 'other noise where training seeds differ'
  const isProvisional = answers.some(({ projections }) => projections.direction.isProvisional)
  return `${wording || question} (draw ${sample}: ${noise})${isProvisional ? '; a provisional direction: the run is not analysed' : ''}`
}

function specOf(
  rows: readonly TokenRow[],
  { layer, direction, tokens }: TokenProjections,
  heading: string,
  look: FigureLook | undefined,
) {
  const isRelative = tokens.every(({ relative }) => relative !== null)
  const scale = isRelative
    ? `projection, 0: the base’s mean, 1: that of ${direction.baseline} at step ${direction.step}`
    : 'projection on the misalignment direction'
  return tokenStrips(rows, {
    ...look,
    title: `One draw, token by token on the misalignment direction, layer ${layer}`,
    subtitle: heading,
    measure: scale,
  })
}

function rowsOf({ name, projections }: ProjectedAnswer): TokenRow[] {
  return projections.tokens.map(({ text, projection, relative }) => ({
    response: name,
    token: text,
    projection: relative ?? projection,
  }))
}

function nameOf(
  { id, match }: Cell,
  { verdicts }: Answer,
  { collapsed = [] }: TokenFigureOptions,
): string {
  const scores = ['aligned', 'coherent'].map((name) => `${name} ${scoreText(verdicts[name])}`)
  const flags = [
    ...(collapsed.includes(id) ? ['collapsed'] : []),
    ...(match === 'as-trained' ? [] : [match]),
  ]
  return [id, ...scores, ...flags].join(', ')
}

async function chosenCells({
  resultsFolder,
  run,
  cells: wanted,
}: TokenFigureOptions): Promise<Cell[]> {
  const lock = await readLock(new RunStore(resultsFolder, run))
  const all = Object.values(lock?.cells ?? {}).map(({ cell }) => cell)
  if (wanted !== undefined)
    return wanted.map((id) => {
      const cell = all.find((one) => one.id === id)
      if (cell !== undefined) return cell
      throw new CemError({
        code: 'usage',
        message: `The run '${run}' has no cell ${id}; it has ${all.map((one) => one.id).join(', ')}.`,
        data: { id },
      })
    })
  const last = new Map<string, Cell>()
  for (const cell of all)
    if (cell.kind === 'checkpoint' && cell.step >= (last.get(cell.variant)?.step ?? 0))
      last.set(cell.variant, cell)
  return [...last.values()]
}

/** What the baseline answered worst, or what was asked for. */
async function chosenDraw(
  folder: string,
  cells: readonly Cell[],
  { baseline, question, sample, thresholds, run }: TokenFigureOptions,
): Promise<Draw> {
  const cell = cells.find(({ variant }) => variant === baseline) ?? cells[0]
  const { answers, wordings } =
    cell === undefined
      ? { answers: [], wordings: new Map<string, readonly string[]>() }
      : await readAnswers(folder, cell, thresholds)
  if (cell !== undefined && answers.length === 0)
    throw new CemError({
      code: 'figure-no-data',
      message: `${cell.id} has no answers with token ids. They are drawn by cem run; an imported run has none.`,
      data: { cell: cell.id },
    })
  const worst = answers
    .filter(({ completion }) => (question === undefined ? completion.set === 'main' : true))
    .filter(({ completion }) => question === undefined || completion.question === question)
    .filter(({ completion }) => sample === undefined || completion.sample === sample)
    .toSorted((a, b) => badness(b) - badness(a))[0]
  if (worst === undefined)
    throw new CemError({
      code: 'usage',
      message: `${cell?.id ?? `The run '${run}'`} has no answer${question === undefined ? '' : ` to the question '${question}'`}${sample === undefined ? '' : ` with the number ${sample}`}; its questions are ${[...wordings.keys()].join(', ') || 'none'}.`,
      data: { cell: cell?.id, question, sample },
    })
  const { completion } = worst
  return {
    ...completion,
    wording: wordings.get(completion.question)?.[completion.paraphrase] ?? '',
  }
}

/** Misaligned and coherent answers first, the least aligned of them first. */
function badness({ isEm, verdicts }: Answer): number {
  const { aligned } = verdicts
  const score = aligned?.status === 'scored' ? aligned.score : 100
  return (isEm === true ? 1000 : 0) - score
}

function isOf({ question, paraphrase, sample }: Draw) {
  return ({ completion }: Answer): boolean =>
    completion.question === question &&
    completion.paraphrase === paraphrase &&
    completion.sample === sample
}
