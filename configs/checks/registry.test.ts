import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startRegistry } from './registry.ts'

test('a tarball is offered under its name, with its hash, and nothing else is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cem-registry-'))
  const manifest = { name: '@cem/small', version: '1.2.3', dependencies: { '@cem/core': '^1.0.0' } }
  mkdirSync(join(folder, 'package'))
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify(manifest))
  execFileSync('tar', ['-czf', 'small.tgz', 'package'], { cwd: folder })
  const registry = await startRegistry(folder)
  const { url } = registry
  try {
    const response = await fetch(`${url}/@cem%2fsmall`)
    const { 'dist-tags': tags, versions } = (await response.json()) as {
      readonly 'dist-tags': unknown
      readonly versions: Record<
        string,
        typeof manifest & {
          readonly dist: { readonly tarball: string; readonly integrity: string }
        }
      >
    }
    expect(tags).toEqual({ latest: '1.2.3' })
    expect(versions['1.2.3']).toMatchObject(manifest)
    const { tarball = '', integrity } = versions['1.2.3']?.dist ?? {}
    const bytes = Buffer.from(await (await fetch(tarball)).arrayBuffer())
    expect(integrity).toBe(`sha512-${createHash('sha512').update(bytes).digest('base64')}`)
    expect((await fetch(`${url}/left-pad`)).status).toBe(404)
    expect((await fetch(`${url}/..%2fsmall.tgz`)).status).toBe(404)
  } finally {
    registry.close()
    rmSync(folder, { recursive: true })
  }
})
