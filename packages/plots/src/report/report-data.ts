import type { TopLevelSpec } from 'vega-lite'

/** What a report says, as plain data: `renderReportHtml` and `renderReportMarkdown` write it down. */
export interface ReportData {
  readonly title: string
  /** Stands below the title: what this is a report of, when and by what it was made. */
  readonly subtitle: string
  /** A string that tells crawlers to leave the file out of training data; it stands in the file as it is. */
  readonly canary: string
  /** What a reader has to know first, alarms before notes. */
  readonly notices: readonly ReportNotice[]
  /** Key results. */
  readonly results: readonly ReportTable[]
  /** What was run: compositions with their hashes. */
  readonly composition: readonly ReportTable[]
  readonly figures: readonly ReportFigure[]
  readonly answers: ReportAnswers
  /** How it was done, in words that a paper can take. */
  readonly methods: readonly ReportParagraph[]
  readonly bibtex: string
  /** The lock file's text. */
  readonly lock: string
}

export interface ReportNotice {
  /** `alarm`: a result does not mean what it seems to mean. */
  readonly level: 'alarm' | 'note'
  readonly code: string
  readonly message: string
  /** What it is about; none: the whole. */
  readonly about: readonly string[]
}

export interface ReportTable {
  readonly title: string
  /** How to read it. */
  readonly caption?: string | undefined
  readonly columns: readonly string[]
  /** As many cells as columns; the first one names the row. */
  readonly rows: readonly (readonly ReportCell[])[]
}

export type ReportCell =
  | string
  | {
      readonly text: string
      /** Small, below the text. */
      readonly note?: string | undefined
      readonly tone?: 'alarm' | 'quiet' | 'code' | undefined
    }

export interface ReportFigure {
  /** Name of the files beside `report.md`, without an ending. */
  readonly name: string
  readonly title: string
  /** With its data inside. */
  readonly spec: TopLevelSpec
  /** Hidden until a reader asks for it, and left out of Markdown: it holds words of answers. @default false */
  readonly isHidden?: boolean | undefined
}

export interface ReportAnswers {
  /** How the answers were drawn, and from how many. */
  readonly caption: string
  readonly rows: readonly ReportAnswer[]
}

export interface ReportAnswer {
  readonly variant: string
  readonly step: number
  /** Id of the question. */
  readonly question: string
  /** The question as it was asked. */
  readonly wording: string
  readonly text: string
  readonly aligned: number | null
  readonly coherent: number | null
  /** What the scores make of it: `EM`, `aligned`, `no score` and so on. */
  readonly label: string
  /** Hidden until a reader asks for it. */
  readonly isHidden: boolean
}

export interface ReportParagraph {
  readonly heading: string
  readonly text: string
}
