// Runs the tests of the WebGPU provider on this machine's GPU, else on the software Vulkan driver that comes with Chromium.
//
//   node configs/webgpu/test-webgpu.mjs              fails where there is neither
//   node configs/webgpu/test-webgpu.mjs --or-skip    installs the software driver where it can, else skips, and says why
//
// --one-per-family leaves out what a software device takes minutes for: further models of a family.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const folder = join(root, 'packages', 'inference')
const { providerStatus } = await import(join(folder, 'dist', 'index.js'))

/** SwiftShader, where Debian and Ubuntu put it. */
const driverFile = '/usr/lib/chromium/vk_swiftshader_icd.json'
const packages = ['chromium', 'libvulkan1']
const { env } = process
const orSkip = process.argv.includes('--or-skip')
if (process.argv.includes('--one-per-family')) env.CEM_WEBGPU_MODELS = 'one-per-family'

const status = await findDevice()
if (status.device === null) {
  const bar = '='.repeat(80)
  const end = orSkip ? 'SKIPPED: test:webgpu' : 'FAILED: test:webgpu'
  const install = status.install === null ? '' : `\nTo install it: ${status.install}`
  console.error(
    `${bar}\n${end}: nothing here computes WebGPU.\nMissing: ${status.missing}.${install}\n${bar}`,
  )
  process.exit(orSkip ? 0 : 1)
}
const { name, kind } = status.device
console.log(`test:webgpu runs on ${name} (${kind}).`)
const vitest = join(root, 'node_modules', '.bin', 'vitest')
const { status: code } = spawnSync(vitest, ['run', '--config', 'vitest.webgpu.config.ts'], {
  cwd: folder,
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
process.exit(code ?? 1)

/** The device as it is, else with the software driver, installed where that is wanted. Sets the environment for it. */
async function findDevice() {
  const asIs = await providerStatus('webgpu')
  if (asIs.device !== null || process.platform !== 'linux' || env.VK_DRIVER_FILES) return asIs
  if (!existsSync(driverFile)) {
    const failure = orSkip ? installDriver() : 'it is not installed'
    if (failure !== null)
      return { ...asIs, missing: `${asIs.missing}; the software driver ${driverFile}: ${failure}` }
  }
  env.VK_DRIVER_FILES = driverFile
  return providerStatus('webgpu')
}

/** Null, or why it could not be installed. */
function installDriver() {
  if (process.getuid?.() !== 0) return 'installing it takes root'
  const apt = (...args) => {
    const run = spawnSync('apt-get', args, {
      encoding: 'utf8',
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 300_000,
    })
    return run.error?.message ?? (run.status === 0 ? null : run.stderr.trim().split('\n').at(-1))
  }
  console.log(`Installing ${packages.join(' and ')} for the software Vulkan driver.`)
  const install = () => apt('install', '-y', '-q', '--no-install-recommends', ...packages)
  // The lists of packages may never have been fetched.
  return install() === null ? null : (apt('update', '-q') ?? install())
}
