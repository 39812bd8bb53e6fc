// Installs the workspace when its lock file has changed since the last install. Plain JavaScript for any Node from 18 on:
// it runs under the machine's own Node, before the workspace's Node is there.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const stampFile = join(root, 'node_modules', '.cem-setup')
const read = (name) => readFileSync(join(root, name), 'utf8')
const manifest = JSON.parse(read('package.json'))

/** What an install depends on. */
const wanted = createHash('sha256')
  .update(read('pnpm-lock.yaml'))
  .update(read('pnpm-workspace.yaml'))
  .update(process.platform + process.arch)
  .digest('hex')

if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) {
  install()
  checkNode()
  writeFileSync(stampFile, wanted)
  console.log('Installed. Building takes a minute or two, once, and says nothing unless it fails.')
}

function install() {
  console.log('Installing the workspace (once; about half a minute).')
  const { status, error } = spawnSync(
    'npx',
    [
      '-y',
      manifest.packageManager,
      'install',
      '--frozen-lockfile',
      '--reporter=append-only',
      '--silent',
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
      env: { ...process.env, DO_NOT_TRACK: '1', ONNXRUNTIME_NODE_INSTALL: 'skip' },
    },
  )
  if (status !== 0) {
    console.error(
      `The install failed${error ? ` (${error.message})` : ''}. Its messages are above.`,
    )
    process.exit(1)
  }
}

/** The `node` package installs a current Node into node_modules/.bin, and is skipped silently if it cannot. */
function checkNode() {
  const bin = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const version = existsSync(bin)
    ? execFileSync(bin, ['-p', 'process.versions.node'], {
        encoding: 'utf8',
        shell: process.platform === 'win32',
      }).trim()
    : process.versions.node
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major >= 26 || (major === 24 && minor >= 11) || (major === 22 && minor >= 18)
  if (isEnough) return
  console.error(
    `Node ${version} is too old: this workspace needs ${manifest.engines.node}. ` +
      'Its own copy could not be installed; install a current Node and run the command again.',
  )
  process.exit(1)
}
