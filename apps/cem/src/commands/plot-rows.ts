import { readFile } from 'node:fs/promises'
import { CemError, messageOf, nearest } from '@cem/core'
import type { FigureLook } from '@cem/experiment'
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
} from '@cem/plots'
import { exitCodes } from '../exit-codes.ts'
import { type OutputFlags, outputFigures } from '../plot/output-figures.ts'
import { lookOf } from './plot-run.ts'

/** Names of figures; rows and options are checked by the functions themselves. */
const figures = {
  curves: emCurves,
  'in-domain': emAgainstInDomain,
  forest: resistanceForest,
  answers: quadrantPlot,
  questions: questionHeatMap,
  'projection-curves': projectionCurves,
  'projection-grid': projectionGrid,
  similarity: directionSimilarity,
  components: personaPca,
  lora: loraGeometryCurves,
  steering: steeringDoseResponse,
  agreement: judgeAgreement,
  tokens: tokenStrips,
} as const

type Figure = (rows: readonly object[], options: object) => ReturnType<typeof emCurves>

interface PlotRowsFlags extends FigureLook, OutputFlags {
  readonly results: string
  readonly options?: string
}

/** `cem plot rows FIGURE FILE` */
export async function plotRowsCommand(
  name: string,
  file: string,
  flags: PlotRowsFlags,
): Promise<number> {
  const figure = Object.entries(figures).find(([key]) => key === name)?.[1]
  if (figure === undefined) {
    const names = Object.keys(figures)
    const meant = nearest(name, names)
    throw new CemError({
      code: 'usage',
      message: `There is no figure '${name}'; there are ${names.join(', ')}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
      data: { name, names },
    })
  }
  const options = flags.options === undefined ? {} : parsed(flags.options, '--options')
  const rows = await readRows(file)
  const spec = (figure as unknown as Figure)(rows, { ...lookOf(flags), ...(options as object) })
  await outputFigures([{ name: `${name}_figure`, spec }], flags.results, flags)
  return exitCodes.complete
}

/** A JSON array, or a JSON object a line. */
async function readRows(file: string): Promise<object[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new CemError({
      code: 'usage',
      message: `${file} cannot be read: ${messageOf(error)}.`,
      data: { file },
      cause: error,
    })
  }
  const rows = text.trimStart().startsWith('[')
    ? parsed(text, file)
    : text
        .split('\n')
        .flatMap((line, i) =>
          line.trim() === '' ? [] : [parsed(line, `line ${i + 1} of ${file}`)],
        )
  if (Array.isArray(rows) && rows.every((row) => typeof row === 'object' && row !== null))
    return rows as object[]
  throw new CemError({
    code: 'usage',
    message: `${file} holds no rows: it has to be a JSON array of objects, or a JSON object on each line.`,
    data: { file },
  })
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CemError({
      code: 'usage',
      message: `${where} is not JSON: ${messageOf(error)}.`,
      data: { where },
      cause: error,
    })
  }
}
