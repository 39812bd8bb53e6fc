import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/**
 * The versions that are installed of the `@cem` packages that a run uses and of what they depend on directly, such as the
 * runtime, by name.
 */
export function packageVersions(): Record<string, string> {
  const versions = new Map<string, string>()
  const visit = (file: string | undefined) => {
    if (file === undefined) return
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
    if (versions.has(manifest.name)) return
    versions.set(manifest.name, manifest.version)
    if (!manifest.name.startsWith('@cem/')) return
    for (const name of Object.keys(manifest.dependencies ?? {})) visit(find(name, file))
  }
  visit(find('./', import.meta.url))
  return Object.fromEntries([...versions].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** A dependency that is declared and not installed has no version. */
function find(name: string, from: string): string | undefined {
  try {
    return findPackageJSON(name, from)
  } catch {
    return undefined
  }
}
