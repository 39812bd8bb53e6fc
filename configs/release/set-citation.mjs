// Writes the version of the command into CITATION.cff, after changesets has moved it.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('apps/cem/package.json', root), 'utf8'))
const file = fileURLToPath(new URL('CITATION.cff', root))
writeFileSync(file, readFileSync(file, 'utf8').replace(/^version: .*$/m, `version: ${version}`))
