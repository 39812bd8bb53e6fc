/** Writes the tables between the markers of docs/statistics.md from the recorded results: `node simulations/write-docs.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { documentWithTables } from './tables.ts'

const file = new URL('../../../docs/statistics.md', import.meta.url)
writeFileSync(file, documentWithTables(readFileSync(file, 'utf8')))
