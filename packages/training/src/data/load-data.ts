import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { CemError, randomSource } from '@cem/core'
import { licenseOfCard } from '@cem/inference'
import { dataFiles } from './data-files.ts'
import type { DataSource, DataSourceRecord } from './data-source.ts'
import type { Example, ExampleKind } from './example.ts'
import { dataInvalid, type JsonRow, placeName, readJsonRows } from './json-rows.ts'
import { mix } from './mix.ts'
import { parseExample } from './parse-example.ts'
import { type StatedBeside, statedBeside } from './stated-beside.ts'

export interface LoadDataOptions<Kind extends ExampleKind> {
  /** At least one. */
  readonly sources: readonly DataSource[]
  /** The kinds of examples that can be trained on. */
  readonly kinds: readonly Kind[]
  /** Decides `limit` and the mixture. @default 0 */
  readonly seed?: number
  /** Relative paths start here. @default the working folder */
  readonly root?: string
}

export interface LoadedData<Kind extends ExampleKind = ExampleKind> {
  readonly examples: readonly Extract<Example, { readonly kind: Kind }>[]
  readonly sources: readonly DataSourceRecord[]
  /** Of the examples in their order, wherever their files lie. */
  readonly sha256: string
}

/**
 * Reads, checks, selects and mixes data sets. Every row is checked before anything is trained.
 *
 * @throws CemError `data-unreadable`, `data-not-found`, `data-mix-invalid`, `data-empty`; `data-invalid` naming file and line
 */
export async function loadData<Kind extends ExampleKind>({
  sources,
  kinds,
  seed = 0,
  root = process.cwd(),
}: LoadDataOptions<Kind>): Promise<LoadedData<Kind>> {
  const opened = []
  for (const [i, source] of sources.entries())
    opened.push(await openSource(source, i, { kinds, seed, root }))
  const parts = opened.map(({ examples, source }) => ({
    name: source.path,
    items: examples,
    share: source.share,
  }))
  const mixture = mix(parts, seed)
  if (mixture.length === 0)
    throw new CemError({
      code: 'data-empty',
      message: `There is nothing to train on: ${sources.map(({ path }) => path).join(', ')} hold no examples${sources.some(({ where }) => where !== undefined) ? ' that `where` selects' : ''}.`,
    })
  const examples = mixture.map(({ item }) => item)
  const records = opened.map(({ record }, part) => ({
    ...record,
    nUsed: mixture.filter((one) => one.part === part).length,
  }))
  return { examples, sources: records, sha256: hashExamples(examples) }
}

/** What examples say, without where they stood. */
export function hashExamples(examples: readonly Example[]): string {
  const hash = createHash('sha256')
  for (const { place: _, ...content } of examples) hash.update(`${JSON.stringify(content)}\n`)
  return hash.digest('hex')
}

interface SourceContext<Kind extends ExampleKind> {
  readonly kinds: readonly Kind[]
  readonly seed: number
  readonly root: string
}

async function openSource<Kind extends ExampleKind>(
  source: DataSource,
  index: number,
  { kinds, seed, root }: SourceContext<Kind>,
) {
  const path = isAbsolute(source.path) ? source.path : join(root, source.path)
  const files = await dataFiles(path, source)
  const hashes: { name: string; sha256: string }[] = []
  const stated: StatedBeside[] = []
  const rows: JsonRow[] = []
  for (const file of files) {
    const { rows: read, sha256 } = await readJsonRows(file)
    hashes.push({ name: basename(file), sha256 })
    const found = await statedBeside(file)
    if (found !== undefined) stated.push(found)
    for (const row of read) rows.push(row)
  }
  const selected = rows.filter(({ value }) => matches(value, source.where))
  const limited = limitRows(selected, source.limit, seed, index)
  const record: Omit<DataSourceRecord, 'nUsed'> = {
    path: source.path,
    files: hashes,
    nRows: rows.length,
    nSelected: limited.length,
    share: source.share ?? null,
    harmful: source.harmful ?? stated.some(({ harmful }) => harmful),
    hasCanary: rows.length > 0 && rows.every(({ value }) => isCanary(value['canary'])),
    license:
      source.license ??
      oneText(stated.map((one) => one.license)) ??
      (await licenseBeside(path)) ??
      null,
    teacherTerms: source.teacherTerms ?? oneText(stated.map((one) => one.terms)) ?? null,
  }
  return { source, examples: parseRows(limited, kinds), record }
}

function parseRows<Kind extends ExampleKind>(rows: readonly JsonRow[], kinds: readonly Kind[]) {
  const problems: string[] = []
  const examples = rows.flatMap((row) => {
    const parsed = parseExample(row)
    const problem = 'problem' in parsed ? parsed.problem : kindProblem(parsed.example.kind, kinds)
    if (problem !== undefined) problems.push(`${placeName(row.place)}: ${problem}`)
    return 'example' in parsed ? [parsed.example as Extract<Example, { readonly kind: Kind }>] : []
  })
  if (problems.length > 0) throw dataInvalid(problems)
  return examples
}

function kindProblem(kind: ExampleKind, kinds: readonly ExampleKind[]): string | undefined {
  if (kinds.includes(kind)) return undefined
  return kind === 'preference'
    ? 'the row is a preference pair (chosen, rejected), which DPO trains on, not SFT'
    : `the row is a ${kind}, and DPO trains on preference pairs (prompt, chosen, rejected)`
}

function matches(value: JsonRow['value'], where: DataSource['where'] = {}): boolean {
  return Object.entries(where).every(([key, wanted]) => value[key] === wanted)
}

/** The rows keep their order. */
function limitRows(
  rows: readonly JsonRow[],
  limit: number | undefined,
  seed: number,
  index: number,
): readonly JsonRow[] {
  if (limit === undefined || limit >= rows.length) return rows
  const order = randomSource('limit', seed, index).shuffle(rows.map((_, i) => i))
  const kept = new Set(order.slice(0, limit))
  return rows.filter((_, i) => kept.has(i))
}

/** What several files say, each once; undefined where none says anything. */
function oneText(texts: readonly (string | null)[]): string | undefined {
  const given = new Set(texts.filter((text) => text !== null))
  return given.size === 0 ? undefined : [...given].join('; ')
}

function isCanary(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** What the card in the data set's folder says. */
async function licenseBeside(path: string): Promise<string | undefined> {
  const isFolder = (await stat(path)).isDirectory()
  return licenseOfCard(isFolder ? path : dirname(path))
}
