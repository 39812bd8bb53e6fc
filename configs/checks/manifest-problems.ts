import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'

/** What every package needs to be published and used alone. */
const wantedFiles = ['README.md', 'LICENSE', 'package.json']

type Entry = { readonly types?: string; readonly default?: string }

/** A package.json, as far as it is looked at. */
export interface Manifest {
  readonly license?: string | undefined
  readonly description?: string | undefined
  readonly engines?: { readonly node?: string } | undefined
  readonly sideEffects?: unknown
  readonly publishConfig?: { readonly access?: string } | undefined
  readonly bin?: Readonly<Record<string, string>> | undefined
  readonly exports?:
    | Readonly<Record<string, string | { readonly import?: Entry; readonly require?: Entry }>>
    | undefined
  readonly files?: readonly string[] | undefined
  readonly dependencies?: Readonly<Record<string, string>> | undefined
  readonly peerDependencies?: Readonly<Record<string, string>> | undefined
}

/** What is wrong with a tarball, a line each: files, licence, engines, declared side effects, entries, leftovers of the workspace. */
export function manifestProblems(tarball: string): string[] {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map((file) => file.replace(/^package\//, ''))
  const text = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })
  const manifest = JSON.parse(text) as Manifest
  return problemsOf(manifest, files).map((problem) => `${basename(tarball)}: ${problem}`)
}

/** The same of a manifest, as it is in the tarball, and the files there. */
export function problemsOf(manifest: Manifest, files: readonly string[]): string[] {
  const isLibrary = manifest.bin === undefined
  const main = manifest.exports?.['.']
  const { import: esm, require: cjs } = typeof main === 'object' ? main : {}
  const entries = isLibrary
    ? [esm?.types, esm?.default, cjs?.types, cjs?.default]
    : Object.values(manifest.bin ?? {})
  return [
    ...wantedFiles.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...entries
      .filter((entry) => typeof entry !== 'string' || !files.includes(entry.replace(/^\.\//, '')))
      .map((entry) => `the entry ${entry} is missing`),
    ...files
      .filter((file) => /(?:^|\/)(?:test|golden|fixtures|src)\/|\.test\.|(?:^|\/)\.env/.test(file))
      .map((file) => `${file} should not be published`),
    ...(manifest.license === 'MIT' ? [] : [`license is ${manifest.license}`]),
    ...(typeof manifest.description === 'string' ? [] : ['description is missing']),
    ...(typeof manifest.engines?.node === 'string' ? [] : ['engines.node is missing']),
    ...(manifest.publishConfig?.access === 'public' ? [] : ['publishConfig.access is not public']),
    ...(isLibrary && manifest.sideEffects !== false ? ['sideEffects is not false'] : []),
    ...(manifest.files?.includes('CHANGELOG.md') ? [] : ['files has no CHANGELOG.md']),
    ...Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
      .filter(([, range]) => /^(?:workspace|file|link):/.test(range))
      .map(([name, range]) => `${name} is ${range}`),
  ]
}
