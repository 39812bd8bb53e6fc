import type { ReportCell, ReportData, ReportTable } from './report-data.ts'
import { aboutText } from './report-html.ts'
import { visibleText } from './visible-text.ts'

export interface ReportMarkdownOptions {
  /** Address of a figure's image, seen from the file. @default `<name>.svg` */
  readonly figureLink?: ((name: string) => string) | undefined
  /** Address of the HTML report. @default none */
  readonly htmlLink?: string | undefined
}

/**
 * A report as GitHub's Markdown, with links to its figures. Answers are left out: they may be harmful, and what stands in a public
 * repository gets into training data.
 */
export function renderReportMarkdown(
  data: ReportData,
  { figureLink = (name) => `${name}.svg`, htmlLink }: ReportMarkdownOptions = {},
): string {
  const notices = data.notices.map(({ level, code, message, about }) => {
    const cells = about.length === 0 ? '' : ` (${aboutText(about)})`
    return `- **${level === 'alarm' ? 'Alarm' : 'Note'}: ${escapeMarkdown(code)}.** ${escapeMarkdown(message + cells)}`
  })
  const figures = data.figures
    .filter(({ isHidden }) => isHidden !== true)
    .map(
      ({ name, title }) =>
        `### ${escapeMarkdown(title)}\n\n![${escapeMarkdown(title)}](<${figureLink(name).replaceAll(/[<>\n]/g, encodeURIComponent)}>)`,
    )
  const page = htmlLink === undefined ? '' : ` They are in [the HTML report](<${htmlLink}>).`
  return `${[
    `# ${escapeMarkdown(data.title)}`,
    escapeMarkdown(data.subtitle),
    `_${escapeMarkdown(data.canary)}_`,
    '## Warnings',
    notices.length === 0 ? 'None: no check found anything.' : notices.join('\n'),
    '## Key results',
    ...data.results.map(tableMarkdown),
    '## What was run',
    ...data.composition.map(tableMarkdown),
    '## Figures',
    ...figures,
    '## Answers',
    `Answers are not in this file, since some of them may be harmful.${page}`,
    '## Methods',
    ...data.methods.map(
      ({ heading, text }) => `**${escapeMarkdown(heading)}.** ${escapeMarkdown(text)}`,
    ),
    '## Citation',
    codeBlock('bibtex', data.bibtex),
    '## Lock',
    `<details><summary>lock.json</summary>\n\n${codeBlock('json', data.lock)}\n\n</details>`,
  ].join('\n\n')}\n`
}

function tableMarkdown({ title, caption, columns, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    `### ${escapeMarkdown(title)}`,
    ...(caption === undefined ? [] : [escapeMarkdown(caption)]),
    [
      line(columns.map(escapeMarkdown)),
      line(columns.map(() => '---')),
      ...rows.map((row) => line(row.map(cellMarkdown))),
    ].join('\n'),
  ].join('\n\n')
}

function cellMarkdown(cell: ReportCell): string {
  const { text, note, tone } = typeof cell === 'string' ? { text: cell } : cell
  const own = escapeMarkdown(text).replaceAll('\n', ' ')
  const marked = tone === 'alarm' && own !== '' ? `**${own}**` : own
  return note === undefined ? marked : `${marked}<br>${escapeMarkdown(note).replaceAll('\n', ' ')}`
}

/** Text that is none of Markdown's or HTML's markup, and that mentions nobody. */
function escapeMarkdown(text: string): string {
  return visibleText(text)
    .replaceAll('&', '&amp;')
    .replaceAll(/[\\`*_{}[\]()#+!|~$]/g, '\\$&')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;')
}

/** A fence that is longer than any in the text. */
function codeBlock(language: string, text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${visibleText(text).trimEnd()}\n${fence}`
}
