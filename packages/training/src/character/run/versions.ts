import { createRequire } from 'node:module'

/** Of this package and of Node, for records. */
export function versions(): Readonly<Record<string, string>> {
  return { node: process.version, '@cem/training': packageVersion() }
}

/** The sources are deeper in the package than the build, so its package.json is looked for upwards. */
function packageVersion(): string {
  const require = createRequire(import.meta.url)
  for (let up = '../'; up.length < 30; up += '../') {
    try {
      const { name, version } = require(`${up}package.json`) as { name?: string; version?: string }
      if (name === '@cem/training' && version !== undefined) return version
    } catch {}
  }
  return 'unknown'
}
