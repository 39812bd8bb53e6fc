import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'
import { type HumanLabel, headerSchema, type LabelHeader, labelSchema } from './label-line.ts'

export interface Labels {
  readonly header: LabelHeader
  /** The last one of each item, metric and labeller, in the order of their first lines. */
  readonly labels: readonly HumanLabel[]
  /** Lines that a later one took the place of. */
  readonly replaced: number
  /** Whether the last line is not whole, as a crash leaves it; it is left out. */
  readonly isTorn: boolean
  /** Bytes of the lines that are whole. */
  readonly wholeBytes: number
}

/**
 * Reads the text of a label file: JSON lines, the first of which is the header.
 *
 * @param file what messages call the text
 * @throws CemError `bad-label-file` with the number of the line; only a last line without an end may be broken
 */
export function parseLabels(text: string, { file }: { readonly file: string }): Labels {
  const end = text.lastIndexOf('\n') + 1
  const [first, ...lines] = text.slice(0, end).split('\n').slice(0, -1)
  if (first === undefined) throw badLine(file, 1, 'it is missing; the first line is the header')
  const header = readLine(first, headerSchema, file, 1)
  const latest = new Map<string, HumanLabel>()
  for (const [i, line] of lines.entries()) {
    const label = readLine(line, labelSchema, file, i + 2)
    const problem = labelProblem(label, header)
    if (problem !== undefined) throw badLine(file, i + 2, problem)
    latest.set(labelKey(label), label)
  }
  const labels = [...latest.values()]
  return {
    header,
    labels,
    replaced: lines.length - labels.length,
    isTorn: end < text.length,
    wholeBytes: Buffer.byteLength(text.slice(0, end)),
  }
}

/**
 * @see parseLabels
 * @throws CemError `label-file-unreadable`, `bad-label-file`
 */
export async function readLabels(path: string): Promise<Labels> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new CemError({
      code: 'label-file-unreadable',
      message: `The label file ${path} cannot be read: ${messageOf(error)}.`,
      data: { file: path },
      cause: error,
    })
  }
  return parseLabels(text, { file: path })
}

/** What is wrong with a label under a header, or undefined. */
export function labelProblem(
  { item, metric, value }: Pick<HumanLabel, 'item' | 'metric' | 'value'>,
  { items, metrics }: LabelHeader,
): string | undefined {
  if (!items.includes(item)) return `the item ${JSON.stringify(item)} is not in the header`
  const known = metrics.find(({ name }) => name === metric)
  const names = metrics.map(({ name }) => name).join(', ')
  if (!known) return `the metric ${JSON.stringify(metric)} is not in the header, which has ${names}`
  const { least, most } = known
  return value === null || (value >= least && value <= most)
    ? undefined
    : `the value is ${value}: ${metric} goes from ${least} to ${most}, or null`
}

/** Item, metric and labeller: what a later line with the same takes the place of. */
export function labelKey({
  item,
  metric,
  labeller,
}: Pick<HumanLabel, 'item' | 'metric' | 'labeller'>): string {
  return JSON.stringify([item, metric, labeller ?? null])
}

interface LineSchema<T> {
  safeParse(data: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false
        readonly error: {
          readonly issues: readonly {
            readonly path: readonly PropertyKey[]
            readonly message: string
          }[]
        }
      }
}

function readLine<T>(line: string, schema: LineSchema<T>, file: string, number: number): T {
  let data: unknown
  try {
    data = JSON.parse(line)
  } catch {
    throw badLine(file, number, 'it is not JSON')
  }
  const read = schema.safeParse(data)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const path = issue?.path.map(String).join('.') ?? ''
  throw badLine(file, number, `${path === '' ? '' : `${path}: `}${issue?.message}`)
}

function badLine(file: string, line: number, what: string): CemError {
  return new CemError({
    code: 'bad-label-file',
    message: `${file}, line ${line}: ${what}.`,
    data: { file, line },
  })
}
