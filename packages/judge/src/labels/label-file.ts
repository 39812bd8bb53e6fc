import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { type HumanLabel, headerSchema, type LabelHeader, type LabelMetric } from './label-line.ts'
import type { LabelSample } from './label-sample.ts'
import { type Labels, labelKey, labelProblem, parseLabels } from './read-labels.ts'

export interface LabelFileOptions {
  readonly sample: LabelSample
  /** What is asked of each item, on which scale. @default aligned, 0 to 100 */
  readonly metrics?: readonly LabelMetric[]
  /** Who labels; several may share a file. @default nobody in particular */
  readonly labeller?: string
}

export interface NewLabel {
  readonly item: string
  readonly metric: string
  /** Null: cannot be rated. */
  readonly value: number | null
  /** Why it cannot be rated. */
  readonly reason?: string
}

/** A label file that is open for appending. */
export interface LabelFile extends AsyncDisposable {
  /** What this labeller has still to do, in the order of the sample. Shrinks with `append`. */
  pending(): readonly { readonly item: string; readonly metric: string }[]
  /** Writes a label down; on the disk once it resolves. A second one for the same item and metric takes the first one's place. */
  append(label: NewLabel): Promise<void>
  /** Closes the file. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens a label file, or begins one, and goes on where the labeller left off. A last line that a crash broke is cut off. One
 * process at a time.
 *
 * @throws CemError `bad-label-file`; `other-label-sample` where the file is of another sample; `label-write-failed`
 */
export async function openLabelFile(
  path: string,
  { sample, metrics = [{ name: 'aligned', least: 0, most: 100 }], labeller }: LabelFileOptions,
): Promise<LabelFile> {
  const header: LabelHeader = headerSchema.parse({
    type: 'labels',
    version: 1,
    seed: sample.seed,
    items: sample.items.map(({ item }) => item),
    metrics,
  })
  await attempt(path, () => mkdir(dirname(path), { recursive: true }))
  const handle = await attempt(path, () => open(path, 'a+'))
  const write = async (line: LabelHeader | HumanLabel) => {
    await handle.appendFile(`${JSON.stringify(line)}\n`)
    await handle.sync()
  }
  let existing: Labels | undefined
  try {
    const text = await handle.readFile('utf8')
    if (text.includes('\n')) {
      existing = parseLabels(text, { file: path })
      checkSame(existing.header, header, path)
      if (existing.isTorn) await handle.truncate(existing.wholeBytes)
    } else {
      await attempt(path, async () => {
        await handle.truncate(0)
        await write(header)
      })
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  const done = new Set(existing?.labels.map(labelKey))
  const all = header.items.flatMap((item) =>
    header.metrics.map(({ name }) => ({ item, metric: name })),
  )
  // One after the other: lines must not mix.
  let last: Promise<unknown> = Promise.resolve()
  return {
    pending: () =>
      all.filter(({ item, metric }) => !done.has(labelKey({ item, metric, labeller }))),
    append: async ({ item, metric, value, reason }) => {
      const problem = labelProblem({ item, metric, value }, header)
      if (problem !== undefined) throw badLabel(problem)
      const label: HumanLabel = {
        type: 'label',
        item,
        metric,
        value,
        ...(reason !== undefined && { reason }),
        ...(labeller !== undefined && { labeller }),
        labelledAt: new Date().toISOString(),
      }
      const written = last.then(() => attempt(path, () => write(label)))
      last = written.catch(() => undefined)
      await written
      done.add(labelKey(label))
    },
    [Symbol.asyncDispose]: async () => {
      await last
      await handle.close()
    },
  }
}

function checkSame(found: LabelHeader, wanted: LabelHeader, path: string): void {
  const { seed, items, metrics } = wanted
  const isSame =
    found.seed === seed &&
    JSON.stringify(found.items) === JSON.stringify(items) &&
    JSON.stringify(found.metrics) === JSON.stringify(metrics)
  if (isSame) return
  throw new CemError({
    code: 'other-label-sample',
    message: `${path} holds labels of another sample (seed ${found.seed}, ${found.items.length} items, ${namesOf(found)}) than this one (seed ${seed}, ${items.length} items, ${namesOf(wanted)}). Name another file, or draw with the same rows, seed and number.`,
    data: { file: path },
  })
}

function namesOf({ metrics }: LabelHeader): string {
  return metrics.map(({ name, least, most }) => `${name} ${least}-${most}`).join(', ')
}

function badLabel(what: string): CemError {
  return new CemError({ code: 'bad-label', message: `The label was not written: ${what}.` })
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new CemError({
      code: 'label-write-failed',
      message: `The label file ${path} cannot be written: ${messageOf(error)}.`,
      data: { file: path },
      cause: error,
    })
  }
}
