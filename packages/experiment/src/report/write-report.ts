import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { renderReportHtml, renderReportMarkdown } from '@cem/plots'
import type { RunName } from '../labels/run-rows.ts'
import { collectReport } from './collect-report.ts'

export interface WrittenReport {
  /** `report_<run>.html`: all in one file. */
  readonly html: string
  /** `report_<run>.md`, with links to the figures beside it, and without answers. */
  readonly markdown: string
  readonly nAlarms: number
  readonly nNotes: number
}

/**
 * Writes the report of a run into its results folder.
 *
 * @throws CemError those of `collectReport`, `plot-render-failed`, `file-write-failed`
 */
export async function writeReport(name: RunName): Promise<WrittenReport> {
  const data = await collectReport(name)
  const stem = `report_${name.run}`
  const [html, markdown] = [`${stem}.html`, `${stem}.md`].map((file) =>
    join(name.resultsFolder, file),
  ) as [string, string]
  await writeFileAtomic(html, await renderReportHtml(data))
  await writeFileAtomic(markdown, renderReportMarkdown(data, { htmlLink: `${stem}.html` }))
  const nAlarms = data.notices.filter(({ level }) => level === 'alarm').length
  return { html, markdown, nAlarms, nNotes: data.notices.length - nAlarms }
}
