import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

/** A setting and what was measured there, by name. */
export type Result = Readonly<Record<string, number>>

const fileOf = (section: string) => new URL(`recorded/${section}.json`, import.meta.url)

/** The recorded results of a section of `simulate.ts`. */
export const readResults = (section: string) =>
  JSON.parse(readFileSync(fileOf(section), 'utf8')) as Result[]

/** One line per setting, shares with four decimals. */
export function writeResults(section: string, results: readonly object[]): void {
  const lines = results.map((result) =>
    JSON.stringify(result, (_, value: unknown) =>
      typeof value === 'number' ? (Number.isNaN(value) ? null : Number(value.toFixed(4))) : value,
    ),
  )
  mkdirSync(new URL('recorded/', import.meta.url), { recursive: true })
  writeFileSync(fileOf(section), `[\n${lines.join(',\n')}\n]\n`)
}
