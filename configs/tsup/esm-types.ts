// Marks imports of types from a package that is ESM alone in a declaration file for CommonJS: without the mark, programs with
// `moduleResolution: node16` cannot read it.
//   node esm-types.ts FILE PACKAGE
import { readFileSync, writeFileSync } from 'node:fs'

const [file = '', name = ''] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')
const marked = text.replaceAll(
  new RegExp(`^import (?:type )?(\\{[^}]*\\}) from '${name}';`, 'gm'),
  `import type $1 from '${name}' with { 'resolution-mode': 'import' };`,
)
if (marked === text) throw new Error(`${file} imports nothing from ${name}`)
writeFileSync(file, marked)
