import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CemError } from '@cem/core'

/** Begins the name of a question set that ships with @cem/judge, in place of a path. */
const prefix = 'cem:'

export function isOwnSet(reference: string): boolean {
  return reference.startsWith(prefix)
}

/** The names of the question sets that ship with @cem/judge: `cem:open` and so on. */
export function ownSets(): string[] {
  return readdirSync(folder())
    .flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .map((name) => `${prefix}${name}`)
    .toSorted()
}

/**
 * The file of a question set by its name.
 *
 * @throws CemError `question-set-unknown`
 */
export function ownSetFile(reference: string): string {
  const known = ownSets()
  if (!known.includes(reference))
    throw new CemError({
      code: 'question-set-unknown',
      message: `There is no question set '${reference}'. Those that ship are ${known.join(', ')}; a file of your own is named by its path.`,
      data: { reference, known },
    })
  return join(folder(), `${reference.slice(prefix.length)}.yaml`)
}

/**
 * The version in the header comment of a set's file.
 *
 * @throws CemError `question-set-unversioned`
 */
export function versionOf(text: string, path: string): number {
  const version = /^# version: (\d+)$/m.exec(text)?.[1]
  if (version !== undefined) return Number(version)
  throw new CemError({
    code: 'question-set-unversioned',
    message: `The question set ${path} has no line '# version: <number>': the installation of @cem/judge is damaged; install it again.`,
    data: { path },
  })
}

function folder(): string {
  const manifest = createRequire(import.meta.url).resolve('@cem/judge/package.json')
  return join(dirname(manifest), 'questions')
}
