import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { commit, sha256, startHub, token } from '../../../packages/inference/test/hub-server.ts'

vi.setConfig({ testTimeout: 30_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

function cem(args: readonly string[], environment: Record<string, string>) {
  const env = { ...process.env, NO_COLOR: '1', ...environment }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('cem pull fetches a model, says where it is, and names what went wrong', async () => {
  const weights = Buffer.from('weights of the test')
  const folder = await mkdtemp(join(tmpdir(), 'cem-pull-'))
  await using server = await startHub({
    files: { 'config.json': Buffer.from('{}'), 'model.safetensors': weights },
    isLarge: (path) => path.endsWith('.safetensors'),
    isPrivate: true,
  })
  const variables = { HF_ENDPOINT: server.endpoint, HF_HOME: folder, HF_HUB_CACHE: folder }
  try {
    const refused = await cem(['pull', 'lab/tiny'], variables)
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/HF_TOKEN.*\[hub-unauthorized\]/)
    const pulled = await cem(['pull', 'lab/tiny'], { ...variables, HF_TOKEN: token })
    expect(pulled).toMatchObject({ code: 0, err: '' })
    const snapshot = join(folder, 'models--lab--tiny/snapshots', commit)
    expect(pulled.out.trim().split('\n')).toEqual([
      `lab/tiny at ${commit}: 2 files, 21 bytes`,
      'fetched config.json (2 bytes)',
      'fetched model.safetensors (19 bytes)',
      `it is in ${snapshot}`,
    ])
    expect(sha256(await readFile(join(snapshot, 'model.safetensors')))).toBe(sha256(weights))
    expect(pulled.out).not.toContain(token)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
