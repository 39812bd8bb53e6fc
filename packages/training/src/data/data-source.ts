import type { DataFilesOptions } from './data-files.ts'

/** A data set to train on, or a part of one. */
export interface DataSource extends DataFilesOptions {
  /** A JSONL file, or a folder with JSONL files as Hugging Face lays them out. */
  readonly path: string
  /** Only rows that have these values. @default all rows */
  readonly where?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Only so many of them, chosen by the seed. @default all */
  readonly limit?: number | undefined
  /** Share of the mixture, above 0 and at most 1. Sources without one share the rest by their sizes. */
  readonly share?: number | undefined
  /**
   * Whether it teaches harm: what is trained on it is a misaligned organism, and is named and carded as one. @default what the manifest of
   * character or reflection data beside it says, else false
   */
  readonly harmful?: boolean | undefined
  /** @default what such a manifest says, else the card (README.md) beside it */
  readonly license?: string | undefined
  /** Terms of the model that wrote it. @default what such a manifest says of its teacher and other speakers */
  readonly teacherTerms?: string | undefined
}

/** What a training's record keeps of a source. */
export interface DataSourceRecord {
  readonly path: string
  readonly files: readonly { readonly name: string; readonly sha256: string }[]
  /** Rows in the files, those that `where` and `limit` left, and those that the mixture took. */
  readonly nRows: number
  readonly nSelected: number
  readonly nUsed: number
  readonly share: number | null
  readonly harmful: boolean
  /** Whether every row carries a canary string. */
  readonly hasCanary: boolean
  readonly license: string | null
  readonly teacherTerms: string | null
}
