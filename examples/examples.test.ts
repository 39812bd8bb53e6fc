import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkPackages } from '../configs/docs/link-packages.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const scripts = readdirSync(folder).filter((name) => /^[\w-]+\.ts$/.test(name))
const packages = readdirSync(new URL('../packages', import.meta.url))

let place: string
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cem-examples-'))
  await linkPackages(place)
})
afterAll(() => rm(place, { recursive: true, force: true }))

test('there is a script for each package', () => {
  expect(packages.filter((name) => !scripts.includes(`${name}.ts`))).toEqual([])
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  expect(scripts.filter((name) => !readme.includes(`(${name})`))).toEqual([])
})

test.each(scripts)(
  '%s prints what it says',
  async (script) => {
    const said = readFileSync(join(folder, script), 'utf8').split('\n// prints:\n')[1]
    const expected = said?.replaceAll(/^\/\/ ?/gm, '')
    await copyFile(join(folder, script), join(place, script.replace(/\.ts$/, '.mts')))
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script.replace(/\.ts$/, '.mts')],
      {
        cwd: place,
        env: {
          ...process.env,
          NO_COLOR: '1',
          FORCE_COLOR: undefined,
          NODE_OPTIONS: undefined,
          CEM_CACHE: join(place, '.cache'),
        },
      },
    )
    expect(stdout).toBe(expected)
  },
  180_000,
)
