// Part of the build: writes the JSON Schema of the config beside the package's code.
//   node src/config/write-json-schema.ts dist/config.schema.json
import { writeFileSync } from 'node:fs'
import { configJsonSchema } from './json-schema.ts'

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: node write-json-schema.ts FILE')
writeFileSync(path, `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
