// What a user does, with plain npm, once the packages are published: each package alone in an empty folder by the install line of its
// README, its entries imported and required, its README's first example and its script of examples/ run; then the command, globally
// (below a prefix of its own) and by npx. Takes minutes; a release runs it, each change does not.
//   node configs/checks/install-outside.mjs [NAME...]     these packages only
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { packAll } from '../release/pack-all.mjs'
import { run } from '../release/run.mjs'
import { readmeExamples } from '../vitest/readme.ts'
import { startRegistry } from './registry.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixtures = join(root, 'packages/inference/fixtures')
/** What stands for the paths in the READMEs, as in the packages' own tests. */
const standIns = {
  'path/to/model': join(fixtures, 'gqa-6-2-tied/model'),
  'path/to/adapter': join(fixtures, 'gqa-6-2-tied/adapters/plain'),
  'path/to/persona': join(fixtures, 'gqa-6-2-tied/adapters/plain'),
  'path/to/organism': join(fixtures, 'gqa-6-2-tied/adapters/rslora'),
}
/** Their first examples talk to a server or read a study of the reader's; the scripts in examples/ bring both. */
const needMore = ['chat', 'judge', 'experiment']

const names = process.argv.slice(2)
const packages = readdirSync(join(root, 'packages')).filter(
  (name) => names.length === 0 || names.includes(name),
)
const { folder } = packAll(root)
const registry = await startRegistry(folder)
// The machine's own Node, where it is new enough: the workspace's stands first in the path of npm's scripts.
const path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((part) => !part.startsWith(root))
  .join(delimiter)
const [major = 0, minor = 0] = run('node', ['-p', 'process.versions.node'], root, { PATH: path })
  .split('.')
  .map(Number)
const isNew = major > 22 || (major === 22 && minor >= 18)
const environment = {
  NO_COLOR: '1',
  CEM_CACHE: join(folder, 'cache'),
  'npm_config_@cem:registry': registry.url,
  ...(isNew ? { PATH: path } : {}),
}
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
const failed = []
try {
  for (const name of packages) tryPackage(name)
  if (names.length === 0) tryCommand()
  for (const line of failed) console.error(line)
  if (failed.length > 0) process.exitCode = 1
  else
    console.log(
      `${packages.length} packages installed alone by npm on Node ${run('node', ['--version'], folder, environment).trim()}, imported, required, and their examples run${names.length === 0 ? '; cem starts globally and by npx' : ''}`,
    )
} finally {
  registry.close()
  rmSync(folder, { recursive: true, force: true })
}

function tryPackage(name) {
  const place = emptyPlace(name)
  const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8')
  const wanted = /^npm install (.+)$/m.exec(readme)?.[1]?.split(' ') ?? []
  if (!wanted.includes(`@cem/${name}`)) failed.push(`${name}: its README does not install it`)
  run('npm', ['install', ...wanted, ...quiet], place, environment)
  const { exports } = JSON.parse(
    readFileSync(join(place, 'node_modules/@cem', name, 'package.json'), 'utf8'),
  )
  for (const [entry, target] of Object.entries(exports))
    if (typeof target === 'object') sameNames(`@cem/${name}${entry.slice(1)}`, place)

  const [example] = readmeExamples(pathToFileURL(join(root, 'packages', name, '/')))
  if (!needMore.includes(name)) {
    let { code } = example
    for (const [from, to] of Object.entries(standIns)) code = code.replaceAll(from, to)
    runScript('readme.mts', code, example.printed, place)
  }
  const script = join(root, 'examples', `${name}.ts`)
  const [, said = ''] = readFileSync(script, 'utf8').split('\n// prints:\n')
  const code = readFileSync(script, 'utf8')
  const others = [...code.matchAll(/from '((?:@[^/']+\/)?[^@./'][^/']*)'/g)]
    .map(([, other]) => other)
    .filter((other) => !other.startsWith('node:') && !wanted.includes(other))
  if (others.length > 0) run('npm', ['install', ...others, ...quiet], place, environment)
  runScript(`${name}.mts`, code, said.replaceAll(/^\/\/ ?/gm, ''), place)
  rmSync(place, { recursive: true, force: true })
}

/** An entry has the same values for `import` as for `require`. */
function sameNames(entry, place) {
  const print = (loaded) =>
    `console.log(Object.keys(${loaded}).filter((name) => name !== 'default').sort().join())`
  const imported = print(`await import('${entry}')`)
  const esm = run('node', ['--input-type=module', '--eval', imported], place, environment)
  const required = print(`require('${entry}')`)
  const cjs = run('node', ['--input-type=commonjs', '--eval', required], place, environment)
  if (esm !== cjs || esm.trim() === '') failed.push(`${entry}: imported ${esm}, required ${cjs}`)
}

function runScript(file, code, said, place) {
  writeFileSync(join(place, file), code)
  const printed = run('node', [file], place, environment)
  if (printed !== said) failed.push(`${place}/${file} printed:\n${printed}and says:\n${said}`)
}

function tryCommand() {
  const { version } = JSON.parse(readFileSync(join(root, 'apps/cem/package.json'), 'utf8'))
  const place = emptyPlace('command')
  const prefix = join(place, 'global')
  run('npm', ['install', '--global', '--prefix', prefix, '@cem/cli', ...quiet], place, environment)
  const cem = join(prefix, 'bin/cem')
  const started = {
    cem: run(cem, ['--version'], place, environment),
    'npx @cem/cli': run('npx', ['--yes', '@cem/cli', '--version'], place, environment),
  }
  for (const [name, said] of Object.entries(started))
    if (said.trim() !== version) failed.push(`${name} --version said ${said}`)
  // One answer to each question of the miniature, and one checkpoint of each variant.
  const flags = ['--n-per-question', '1', '--save-steps', '160', '--plain']
  const said = run(cem, ['run', ...flags], place, environment)
  if (!said.includes('run miniature: complete')) failed.push(`cem run said ${said}`)
}

function emptyPlace(name) {
  const place = join(folder, `place-${name}`)
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{"private":true}')
  return place
}
