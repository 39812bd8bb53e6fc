// What a user does: installs the packed packages with plain npm into an empty folder, runs the example of each, installs the command
// globally (below a prefix of its own), and starts it by name and by npx. Takes minutes; a release runs it, each change does not.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packAll } from '../release/pack-all.mjs'
import { run } from '../release/run.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const examples = join(root, 'examples')
const { folder, tarballs } = packAll(root)
// The machine's own Node, where it is new enough: the workspace's stands first in the path of npm's scripts.
const path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((part) => !part.startsWith(root))
  .join(delimiter)
const [major = 0, minor = 0] = run('node', ['-p', 'process.versions.node'], root, { PATH: path })
  .split('.')
  .map(Number)
const isNew = major > 22 || (major === 22 && minor >= 18)
const environment = { NO_COLOR: '1', ...(isNew ? { PATH: path } : {}) }
const npmInstall = ['install', '--no-audit', '--no-fund', '--loglevel=error']
try {
  const place = join(folder, 'place')
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{"private":true,"type":"module"}')
  run('npm', [...npmInstall, ...tarballs], place, environment)
  // What @cem/onnx-graph's example runs its model with is there already, as a dependency of @cem/inference.
  const scripts = readdirSync(examples).filter((name) => /^[\w-]+\.ts$/.test(name))
  const failed = []
  for (const script of scripts) {
    cpSync(join(examples, script), join(place, script))
    const [, said = ''] = readFileSync(join(examples, script), 'utf8').split('\n// prints:\n')
    const printed = run('node', [script], place, {
      NO_COLOR: '1',
      CEM_CACHE: join(folder, 'cache'),
    })
    if (printed !== said.replaceAll(/^\/\/ ?/gm, '')) failed.push(`${script} printed:\n${printed}`)
  }
  const { version } = JSON.parse(readFileSync(join(root, 'apps/cem/package.json'), 'utf8'))
  const prefix = join(folder, 'global')
  run('npm', [...npmInstall, '--global', '--prefix', prefix, ...tarballs], folder, environment)
  const started = {
    'npx cem': run('npx', ['--no-install', 'cem', '--version'], place, environment),
    cem: run(join(prefix, 'bin/cem'), ['--version'], folder, environment),
  }
  for (const [name, said] of Object.entries(started))
    if (said.trim() !== version) failed.push(`${name} --version said ${said}`)
  for (const line of failed) console.error(line)
  if (failed.length > 0) process.exitCode = 1
  else
    console.log(
      `${tarballs.length} packages installed by npm on Node ${run('node', ['--version'], place, environment).trim()}; ${scripts.length} examples run; cem ${version} starts globally and by npx`,
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
