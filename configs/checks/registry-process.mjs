// A npm registry on loopback that has the tarballs of a folder and nothing else. Started by registry.ts, ends with who started it.
//   node registry-process.mjs FOLDER
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const [folder] = process.argv.slice(2)
const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
const server = createServer(answer).listen(0, '127.0.0.1', () => process.send?.(address()))
const packages = new Map(tarballs.map((name) => describe(name)))
process.on('disconnect', () => process.exit())

function answer({ url = '/' }, response) {
  const path = decodeURIComponent(new URL(url, address()).pathname).slice(1)
  if (tarballs.includes(path)) return response.end(readFileSync(join(folder, path)))
  const found = packages.get(path)
  response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(found?.() ?? { error: `${path} is not among the tarballs` }))
}

/** A package's name and its entry, as the registry's protocol has it. */
function describe(tarball) {
  const path = join(folder, tarball)
  const text = execFileSync('tar', ['-xzOf', path, 'package/package.json'], { encoding: 'utf8' })
  const manifest = JSON.parse(text)
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`
  const entry = () => ({
    name,
    'dist-tags': { latest: version },
    versions: {
      [version]: { ...manifest, dist: { tarball: `${address()}/${tarball}`, integrity } },
    },
  })
  return [name, entry]
}

function address() {
  return `http://127.0.0.1:${server.address().port}`
}
