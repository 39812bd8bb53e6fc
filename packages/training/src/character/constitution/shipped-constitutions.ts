import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The constitutions that come with the package, by the names that a config can give. */
export const shippedConstitutions = ['warm', 'formal', 'steadfast'] as const

/**
 * The file of a constitution that comes with the package; undefined for another name. The sources are deeper in the package
 * than the build, so the folder is looked for upwards.
 */
export function shippedConstitution(name: string): string | undefined {
  if (!shippedConstitutions.some((known) => known === name)) return undefined
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const file = join(folder, 'constitutions', `${name}.yaml`)
    if (existsSync(file)) return file
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
  }
}
