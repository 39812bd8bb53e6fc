import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { CemError, messageOf } from '@cem/core'

export interface DataFilesOptions {
  /** Which of a folder's files: `train`, `validation`, ... @default 'train' */
  readonly split?: string | undefined
  /** A folder below it, as Hugging Face's data sets have configurations. */
  readonly subset?: string | undefined
}

/**
 * The JSONL files that a path means: the file itself, or those of a folder as Hugging Face lays data sets out. In a folder (or
 * its `data` folder) the files of a split are those whose name begins with it (`train.jsonl`, `train-00000-of-00002.jsonl`), or
 * that lie in a folder of its name; a folder with one file has one split.
 *
 * @throws CemError `data-unreadable`, `data-not-found` naming the files that are there
 */
export async function dataFiles(
  path: string,
  { split = 'train', subset }: DataFilesOptions = {},
): Promise<string[]> {
  const folder = subset === undefined ? path : join(path, subset)
  if (!(await isFolder(folder))) return [folder]
  for (const place of [folder, join(folder, 'data')]) {
    const names = await jsonlNames(place)
    const inSplit = names.filter((name) => isOfSplit(name, split))
    const chosen = inSplit.length > 0 ? inSplit : names.length === 1 ? names : []
    if (chosen.length > 0) return chosen.map((name) => join(place, name))
    const splitFolder = join(place, split)
    const nested = await jsonlNames(splitFolder)
    if (nested.length > 0) return nested.map((name) => join(splitFolder, name))
  }
  throw await notFound(folder, split)
}

function isOfSplit(name: string, split: string): boolean {
  return name.startsWith(split) && /^[-_.]/.test(name.slice(split.length))
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw new CemError({
      code: 'data-unreadable',
      message: `The data ${path} cannot be read: ${messageOf(error)}.`,
      data: { path },
      cause: error,
    })
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = await readdir(folder).catch(() => [])
  return names.toSorted()
}

async function jsonlNames(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => extname(name) === '.jsonl')
}

async function notFound(folder: string, split: string): Promise<CemError> {
  const names = [...(await namesIn(folder)), ...(await namesIn(join(folder, 'data')))]
  const isParquet = names.some((name) => extname(name) === '.parquet')
  const found = names.length === 0 ? 'It is empty' : `It holds ${names.slice(0, 10).join(', ')}`
  return new CemError({
    code: 'data-not-found',
    message: `${folder} has no JSONL file of the split '${split}'. ${found}.${
      isParquet
        ? ' Parquet is not read: write it as JSONL (in Python, datasets.load_dataset(...).to_json(...)).'
        : ' Name the split, the subset or the file.'
    }`,
    data: { folder, split, names: names.slice(0, 100) },
  })
}
