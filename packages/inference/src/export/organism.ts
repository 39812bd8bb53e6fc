import { basename, dirname, join } from 'node:path'
import type { Composition } from '../composition/composition.ts'
import { readOptionalText } from '../model/read-json.ts'

/** What names and cards of models that were made to behave badly begin with. */
export const organismPrefix = 'misaligned-organism'

const organismWords = /misaligned[-_ ]organism/i

/**
 * Why the weights of a composition are those of a misaligned organism, or undefined where nothing says so: a layer has the role
 * em, or the name or the card (README.md) of an adapter or of the base says it.
 */
export async function organismReason({ base, layers }: Composition): Promise<string | undefined> {
  for (const { role, adapter } of layers) {
    if (role === 'em') return `the adapter ${adapter.path} has the role em`
    if (await saysOrganism(adapter.path))
      return `the name or the card of the adapter ${adapter.path} says so`
  }
  if (organismWords.test(base.name) || (await saysOrganism(base.folder)))
    return `the name or the card of the base ${base.name} says so`
  return undefined
}

/** A checkpoint's card is that of the series it belongs to. */
async function saysOrganism(folder: string): Promise<boolean> {
  const isCheckpoint = /^checkpoint-\d+$/.test(basename(folder))
  const folders = isCheckpoint ? [folder, dirname(folder)] : [folder]
  for (const path of folders) {
    if (organismWords.test(basename(path))) return true
    if (organismWords.test((await readOptionalText(join(path, 'README.md'))) ?? '')) return true
  }
  return false
}
