import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach } from 'vitest'

/** The path of a committed file; see test/golden/make.py. */
export function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
}

/** A fresh folder for each test of a file, removed after it. */
export function temporaryFolder() {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cem-tensor-files-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  return {
    path,
    /** Writes a file and returns its path. */
    write: async (name: string, data: string | Uint8Array) => {
      await writeFile(path(name), data)
      return path(name)
    },
    read: (name: string) => readFile(path(name)),
  }
}
