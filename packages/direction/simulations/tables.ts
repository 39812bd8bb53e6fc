import { type Result, readResults } from './results.ts'

interface Column {
  readonly title: string
  readonly key: string
  /** Shares are printed in %; settings as they are. */
  readonly isShare?: boolean
}

const setting = (title: string, key: string): Column => ({ title, key })
const share = (title: string, key: string): Column => ({ title, key, isShare: true })

const questions = setting('questions', 'nQuestions')
const rate = setting('true rate', 'trueRate')
const icc = setting('ICC', 'icc')

/** The tables of docs/statistics.md by the section of `simulate.ts` that they show. */
const tables: Readonly<Record<string, readonly Column[]>> = {
  rate: [
    questions,
    rate,
    icc,
    share('`rate`', 'covered'),
    share('no prior', 'coveredWithoutPrior'),
    share('naive', 'coveredNaively'),
    share('mean width', 'meanWidth'),
    share('reliable', 'reliable'),
    share('covered when reliable', 'coveredWhenReliable'),
  ],
  paired: [
    questions,
    rate,
    icc,
    share('t', 'byT'),
    share('sign-flip', 'bySignFlip'),
    share('no t', 'withoutT'),
  ],
  difference: [
    questions,
    setting('rate a', 'rateA'),
    setting('rate b', 'rateB'),
    icc,
    share('interval', 'covered'),
    share('reliable', 'reliable'),
    share('covered when reliable', 'coveredWhenReliable'),
    share('falsely equivalent', 'falselyEquivalent'),
    share('plain tests', 'falselyEquivalentPlainly'),
  ],
  crossed: [
    questions,
    setting('seeds', 'nSeeds'),
    setting('seed spread', 'seedSpread'),
    share('`crossedDifference`', 'crossed'),
    share('`pairedDifference`', 'questionsOnly'),
  ],
  bootstrap: [questions, rate, icc, share('`clusterBootstrap`', 'covered')],
  matched: [
    questions,
    setting('in-domain', 'nInDomainQuestions'),
    rate,
    icc,
    share('`matchedRateInterval`', 'covered'),
    share('bootstrap', 'coveredByBootstrap'),
    share('mean width', 'meanWidth'),
    share('no interval', 'withoutInterval'),
  ],
  powered: [
    questions,
    rate,
    setting('labels', 'nLabelled'),
    icc,
    share('covered', 'covered'),
    share('width', 'meanWidth'),
    share('labels alone', 'coveredByLabelsAlone'),
    share('their width', 'meanWidthOfLabelsAlone'),
    share('judge alone', 'coveredByJudgeAlone'),
    share('reliable', 'reliable'),
    share('covered when reliable', 'coveredWhenReliable'),
    share('contrast', 'falsePositives'),
    share('judge alone', 'falsePositivesByJudge'),
  ],
  agreement: [
    questions,
    icc,
    share('`spearman`', 'spearman'),
    share('`cohenKappa`', 'kappa'),
    share('`krippendorffAlpha`', 'alpha'),
    share('`sharedNoise`', 'removed'),
  ],
}

/** The document with every table between its markers as the recorded results have it. */
export function documentWithTables(text: string): string {
  return Object.entries(tables).reduce((document, [section, columns]) => {
    const begin = `<!-- simulated: ${section} -->`
    const end = `<!-- end: ${section} -->`
    const from = document.indexOf(begin)
    const to = document.indexOf(end)
    if (from === -1 || to < from) throw new Error(`docs/statistics.md has no ${begin} ... ${end}`)
    const table = tableOf(columns, readResults(section))
    return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`
  }, text)
}

/** A Markdown table with columns as wide as their widest cell, numbers to the right. */
function tableOf(columns: readonly Column[], results: readonly Result[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...results.map((result) => columns.map((column) => cellOf(column, result[column.key]))),
  ]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  const lineOf = (row: readonly string[]) =>
    `| ${row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => `${'-'.repeat(width - 1)}:`).join(' | ')} |`
  const [header = [], ...body] = cells
  return [lineOf(header), rule, ...body.map(lineOf)].join('\n')
}

function cellOf({ isShare = false }: Column, value: number | null | undefined): string {
  if (value === undefined || value === null) return '-'
  return isShare ? (100 * value).toFixed(1) : String(value)
}
