// A release without its last step, on a copy that is thrown away: versions and changelogs from the changesets, packing, the checks of the
// tarballs, `npm publish --dry-run` of each. Nothing here changes, and nothing is published.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manifestProblems } from '../checks/manifest-problems.ts'
import { packAll } from './pack-all.mjs'
import { run } from './run.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'cem-release-'))
const remove = [copy]
try {
  copyTree()
  // Changesets asks git what it is about.
  run('git', ['init', '--quiet', '--initial-branch=main'], copy)
  run('changeset', ['version'], copy)
  run('node', ['configs/release/set-citation.mjs'], copy)
  const { folder, tarballs } = packAll(copy)
  remove.push(folder)
  const problems = tarballs.flatMap((tarball) => manifestProblems(tarball))
  for (const tarball of tarballs) {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    if (!files.includes('package/CHANGELOG.md')) problems.push(`${tarball}: no CHANGELOG.md`)
    run(
      'npm',
      ['publish', '--dry-run', '--loglevel=error', '--access=public', '--tag=latest', tarball],
      copy,
    )
  }
  const versions = packages(copy).map((path) => {
    const { name, version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    return `${name}@${version}`
  })
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
  else console.log(`would publish ${versions.join(', ')}`)
} finally {
  for (const path of remove) rmSync(path, { recursive: true, force: true })
}

/** Tracked and new files, built packages, and what packing resolves workspace ranges by. */
function copyTree() {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  for (const file of files.split('\0').filter(Boolean)) {
    if (!existsSync(join(root, file))) continue
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  const folders = packages(root)
  const names = new Map(
    folders.map((path) => [
      JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).name,
      path.slice(root.length),
    ]),
  )
  for (const path of folders) {
    const target = join(copy, path.slice(root.length))
    cpSync(join(path, 'dist'), join(target, 'dist'), { recursive: true })
    const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    for (const name of Object.keys(dependencies)) {
      const own = names.get(name)
      if (own === undefined) continue
      mkdirSync(dirname(join(target, 'node_modules', name)), { recursive: true })
      symlinkSync(join(copy, own), join(target, 'node_modules', name))
    }
  }
  mkdirSync(join(copy, 'node_modules'))
  symlinkSync(join(root, 'node_modules/@changesets'), join(copy, 'node_modules/@changesets'))
}

function packages(from) {
  return ['packages', 'apps'].flatMap((part) =>
    readdirSync(join(from, part)).map((name) => join(from, part, name)),
  )
}
