// Writes where the source of each package is into its manifest. npm compares that with the workflow that publishes it.
//   node configs/release/set-repository.mjs https://github.com/OWNER/NAME
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [url] = process.argv.slice(2)
if (url === undefined || !/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(url)) {
  console.error(`set-repository.mjs needs a URL such as https://github.com/OWNER/NAME, not ${url}`)
  process.exit(2)
}
const root = fileURLToPath(new URL('../..', import.meta.url))
for (const part of ['packages', 'apps'])
  for (const name of readdirSync(join(root, part))) {
    const file = join(root, part, name, 'package.json')
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    const repository = { type: 'git', url: `git+${url}.git`, directory: `${part}/${name}` }
    writeFileSync(file, `${JSON.stringify({ ...manifest, repository }, null, 2)}\n`)
  }
