import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const old = fileURLToPath(new URL('../../../packages/experiment/golden/imported', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-results-'))
  await cp(old, join(folder, 'results'), { recursive: true })
})
afterAll(() => rm(folder, { recursive: true }))

function cem(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, NO_COLOR: '1', MY_PASSWORD: 'of the test' }
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('old results become a run with a report, which is exported, bundled and verified elsewhere', async () => {
  const imported = await cem('import', 'results', '--baseline', 'tiny_baseline', '--name', 'old')
  expect(imported).toMatchObject({ code: 0, err: '' })
  expect(imported.out).toContain('run old: 7 cells with 168 answers')
  expect(imported.out).toContain('nothing says whether a persona was active')
  expect(imported.out).toContain('report_old.html')
  const html = await readFile(join(folder, 'imported/report_old.html'), 'utf8')

  const report = await cem('report', 'old', '--results', 'imported')
  expect(report.out).toMatch(/report_old\.md\n2 alarms and \d+ notes stand at its top/)
  expect(await readFile(join(folder, 'imported/report_old.html'), 'utf8')).toBe(html)
  const data = await cem('report', 'old', '--results', 'imported', '--json')
  expect(JSON.parse(data.out).title).toBe('Emergent misalignment: old')

  const exported = await cem('export', 'old', '--results', 'imported', '--format', 'csv')
  expect(exported.out).toMatch(/answers\.csv\n[\s\S]*168 answers; some may be harmful/)

  const locked = ['--password-variable', 'MY_PASSWORD']
  const bundle = await cem('bundle', 'old', '--results', 'imported', '--output', 'b.zip', ...locked)
  expect(bundle.out).toMatch(/wrote b\.zip: \d+ files/)
  expect(await cem('bundle', 'verify', 'b.zip')).toMatchObject({
    code: 1,
    err: expect.stringContaining('does not open b.zip'),
  })
  const verified = await cem('bundle', 'verify', 'b.zip', '--into', 'there', ...locked)
  expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/\nverified\n$/) })
  expect((await cem('report', 'old', '--results', 'there')).code).toBe(0)
})

test.each([
  [['import', 'nowhere'], 1, 'nowhere holds no results'],
  [['import', 'results', '--results', 'results'], 1, 'imported into itself'],
  [['report', 'nowhere'], 1, "There is no run 'nowhere'"],
  [['export', 'nowhere'], 2, "required option '--format <format>'"],
  [['export', 'nowhere', '--format', 'xml'], 2, 'jsonl, csv, npz, inspect'],
  [['bundle'], 1, 'Name a run'],
  [['bundle', 'verify', 'results/tiny_base_eval.csv'], 1, 'it is no zip file'],
  [['bundle', 'nowhere', '--password-variable', 'NOT_SET'], 1, "There is no run 'nowhere'"],
])('cem %j fails with what is wrong', async (args, code, message) => {
  const result = await cem(...args)
  expect(result).toMatchObject({ code, out: '' })
  expect(result.err).toContain(message)
})
