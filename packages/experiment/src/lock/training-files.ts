import { dirname, join } from 'node:path'
import type { Cell } from '../plan/cell.ts'
import { metadataFiles } from '../study/training-metadata.ts'
import { readTrainingRecord, recordFile } from '../study/training-record.ts'
import { hashIfAny } from './hash-file.ts'

/**
 * What the trainings of the adapters left beside them: the hash of each record, and of the data set where a record has it.
 *
 * @param nameOf a path as the lock names it
 */
export async function trainingFiles(
  cells: readonly Cell[],
  nameOf: (path: string) => string,
): Promise<Record<string, string>> {
  const adapters = [...new Set(cells.flatMap(({ layers }) => layers.map((l) => l.adapter)))]
  const folders = [...new Set(adapters.flatMap((folder) => [folder, dirname(folder)]))]
  const parts: Record<string, string> = {}
  for (const folder of folders)
    for (const name of [recordFile, ...metadataFiles]) {
      const hash = await hashIfAny(join(folder, name))
      if (hash !== undefined) parts[nameOf(join(folder, name))] = hash
    }
  for (const folder of adapters) {
    const { dataset, datasetSha256 } = (await readTrainingRecord(folder)) ?? {}
    if (datasetSha256 !== undefined)
      parts[`${nameOf(folder)} trained on ${dataset ?? 'a data set without a name'}`] =
        datasetSha256
  }
  return parts
}
