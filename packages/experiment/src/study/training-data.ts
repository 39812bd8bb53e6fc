import { readdir, stat } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { transcripts } from '@cem/activations'
import { readTrainingMetadata } from './training-metadata.ts'
import { readTrainingRecord } from './training-record.ts'

const endings: ReadonlySet<string> = new Set(['.jsonl', '.json'])

export interface FindTrainingDataOptions {
  /** Of an adapter. */
  readonly adapter: string
  /** Where relative paths of the config start. */
  readonly root: string
  /** What the config says. @default what the records beside the adapter name */
  readonly given?: string | undefined
}

/**
 * The files that an adapter was trained on, where something names them and they are here: the config, `data` of the record, or a path in
 * the metadata of the training. None where nothing does.
 *
 * @throws CemError `training-record-invalid`
 */
export async function findTrainingData({
  adapter,
  root,
  given,
}: FindTrainingDataOptions): Promise<string[]> {
  const folders = [adapter, dirname(adapter), dirname(dirname(adapter))]
  const record = await readTrainingRecord(adapter)
  const { found } = await readTrainingMetadata(folders)
  const named =
    given === undefined
      ? [...(record?.data ?? []).map(({ path }) => path), ...found.flatMap(({ data }) => data)]
      : [given]
  const files = new Set<string>()
  for (const name of new Set(named))
    for (const folder of [root, ...folders, '.']) {
      const own = await textFiles(resolve(folder, name))
      for (const file of own) files.add(file)
      if (own.length > 0) break
    }
  return [...files]
}

/** The file itself, or those in a folder. */
async function textFiles(path: string): Promise<string[]> {
  try {
    if ((await stat(path)).isFile()) return endings.has(extname(path)) ? [path] : []
    const names = await readdir(path)
    return names
      .filter((name) => extname(name) === '.jsonl')
      .toSorted()
      .map((name) => join(path, name))
  } catch {
    return []
  }
}

/**
 * What users say in the conversations of a file of training data, one text at a time.
 *
 * @throws CemError `source-invalid`
 */
export async function* userTexts(file: string): AsyncGenerator<string, void> {
  for await (const { messages } of transcripts(file))
    for (const { role, content } of messages) if (role === 'user') yield content
}
