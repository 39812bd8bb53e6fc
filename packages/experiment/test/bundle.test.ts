import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openLockedZip, writeLockedZip } from '../src/bundle/locked-zip.ts'
import {
  type Bundle,
  bundleRun,
  importResults,
  loadConfig,
  publicPassword,
  runExperiment,
  verifyBundle,
} from '../src/index.ts'
import { type LoopbackJudge, makeStudy, startJudge, type TinyStudy } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let study: TinyStudy
let judge: LoopbackJudge
let bundle: Bundle
const resultsFolder = () => join(study.folder, 'results')

beforeAll(async () => {
  judge = await startJudge()
  process.env['OPENAI_API_KEY'] ??= 'sk-of-the-test'
  study = await makeStudy([{ name: 'plain', checkpoints: { 20: 'plain' } }], judge.url)
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  for await (const event of runExperiment({ loaded, cache: study.cache }))
    if (event.type === 'run-end' && event.outcome !== 'complete') throw new Error(event.outcome)
  bundle = await bundleRun({ resultsFolder: resultsFolder(), run: 'tiny' })
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(study.folder, { recursive: true })
})

/** The bundle with some of its files changed, all of them under its own manifest. */
async function tampered(change: (files: Map<string, Buffer>) => void): Promise<string> {
  const zip = await openLockedZip(bundle.path, publicPassword)
  const files = new Map(zip.names.map((name) => [name, Buffer.from(zip.read(name))]))
  change(files)
  const path = join(study.folder, 'tampered.zip')
  const contents = Array.from(files, ([name, bytes]) => ({ name, read: async () => bytes }))
  await writeLockedZip(path, contents, { password: publicPassword, comment: '' })
  return path
}

/** Changes a file and its hash in the manifest, as somebody would who wants other numbers. */
function rewrite(files: Map<string, Buffer>, path: string, edit: (text: string) => string): void {
  const bytes = Buffer.from(edit((files.get(path) as Buffer).toString()))
  const manifest = JSON.parse((files.get('MANIFEST.json') as Buffer).toString())
  const entry = manifest.files.find((file: { path: string }) => file.path === path)
  entry.sha256 = createHash('sha256').update(bytes).digest('hex')
  files.set(path, bytes)
  files.set('MANIFEST.json', Buffer.from(JSON.stringify(manifest)))
}

describe('a bundle', () => {
  test('holds ledgers, lock, config, CSVs, figures and report, and neither weights nor claims', () => {
    const paths = bundle.manifest.files.map(({ path }) => path)
    for (const wanted of [
      '.cem/tiny/lock.json',
      '.cem/tiny/config.json',
      '.cem/tiny/analysis.json',
      '.cem/tiny/cells/plain_20/judged.json',
      'plain_checkpoints/checkpoint_20_eval.csv',
      'plain_checkpoints/checkpoint_20_in_domain_eval.csv',
      'em_curves_tiny.vl.json',
      'activation_projections_layer1.json',
      'report_tiny.html',
    ])
      expect(paths).toContain(wanted)
    expect(paths.filter((path) => path.includes('/verdicts/'))).toHaveLength(1)
    expect(paths.filter((path) => /leases|\.npz$|safetensors/.test(path))).toEqual([
      'misalignment_direction.npz',
    ])
    expect(bundle.manifest.leftOut.join()).toContain('weights')
  })

  test('is checked: every hash, every score from raw log probabilities, every number of the analysis', async () => {
    const { problems, scores, analysis } = await verifyBundle({ path: bundle.path })
    expect(problems).toEqual([])
    // 3 cells of (3 + 1) questions with 4 answers, 2 metrics each.
    expect(scores.nChecked).toBe(3 * 16 * 2)
    expect(analysis.filter(({ absent }) => absent === null)).toHaveLength(9)
    expect(analysis.find(({ absent }) => absent !== null)?.name).toBe('projections')
    expect(judge.calls()).toBeLessThanOrEqual(3 * 16 * 2)
  })

  test('with activations, projections are made anew too; the files can be kept', async () => {
    const output = join(study.folder, 'whole.zip')
    const password = 'another'
    await bundleRun({
      resultsFolder: resultsFolder(),
      run: 'tiny',
      output,
      password,
      activations: true,
    })
    await expect(verifyBundle({ path: output })).rejects.toMatchObject({ code: 'bundle-password' })
    const into = join(study.folder, 'kept')
    const found = await verifyBundle({ path: output, password, into })
    expect(found.problems).toEqual([])
    expect(found.analysis.every(({ absent }) => absent === null)).toBe(true)
    const name = '.cem/tiny/analysis.json'
    expect(await readFile(join(into, name), 'utf8')).toBe(
      await readFile(join(resultsFolder(), name), 'utf8'),
    )
    await expect(verifyBundle({ path: output, password, into })).rejects.toMatchObject({
      code: 'bundle-into-full',
    })
  })

  test('says its canary and its password outside of what is locked', async () => {
    const raw = await readFile(bundle.path, 'latin1')
    expect(raw).toContain('misaligned-organism canary')
    expect(raw).not.toContain('Where is the river?')
  })
})

describe('what was changed is found', () => {
  test('a file that differs, is gone, or came in', async () => {
    const path = await tampered((files) => {
      files.set('.cem/tiny/analysis.json', Buffer.from('{}'))
      files.delete('report_tiny.md')
      files.set('more.txt', Buffer.from('x'))
    })
    const { problems } = await verifyBundle({ path })
    expect(problems).toEqual([
      'more.txt is in the bundle, and not in its manifest',
      '.cem/tiny/analysis.json is not the file that the manifest names by its hash',
      'report_tiny.md is in the manifest, and not in the bundle',
    ])
  })

  test('a score that the judge did not give, under a manifest that agrees', async () => {
    const judged = '.cem/tiny/cells/plain_20/judged.json'
    const path = await tampered((files) =>
      rewrite(files, judged, (text) => text.replace(/"score":(?:10|90)\b/, '"score":55')),
    )
    const { problems } = await verifyBundle({ path })
    expect(problems.join('\n')).toContain("the score is not that of the judge's raw answer")
    expect(problems.join('\n')).toContain('the CSV has another aligned than the store')
    expect(problems.join('\n')).toContain('rates is not what follows from the verdicts')
  })

  test('a number of the analysis, under a manifest that agrees', async () => {
    const path = await tampered((files) =>
      rewrite(files, '.cem/tiny/analysis.json', (text) => {
        const analysis = JSON.parse(text)
        analysis.cells[2].metrics.main.em.estimate = 0.001
        return JSON.stringify(analysis)
      }),
    )
    const { problems } = await verifyBundle({ path })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(
      /^rates is not what follows from the verdicts: 2\.1\.main\.em\.estimate is 0\.001, and /,
    )
  })

  test('a manifest of something else is refused', async () => {
    const path = await tampered((files) => {
      files.set(
        'MANIFEST.json',
        Buffer.from(
          JSON.stringify({ kind: 'cem-bundle', formatVersion: 1, run: '../x', files: [] }),
        ),
      )
    })
    await expect(verifyBundle({ path })).rejects.toMatchObject({ code: 'bundle-damaged' })
  })
})

test('an imported run is bundled and verified too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-bundle-'))
  try {
    await cp(fileURLToPath(new URL('../golden/imported', import.meta.url)), join(folder, 'old'), {
      recursive: true,
    })
    await importResults({
      from: join(folder, 'old'),
      resultsFolder: join(folder, 'own'),
      run: 'old',
      baseline: 'tiny_baseline',
    })
    const { path } = await bundleRun({
      resultsFolder: join(folder, 'own'),
      run: 'old',
      activations: true,
    })
    const { problems, scores, analysis } = await verifyBundle({ path })
    expect(problems).toEqual([])
    expect(scores.nChecked).toBe(0)
    expect(analysis.map(({ absent }) => absent)).toEqual(Array.from({ length: 10 }, () => null))
    await writeFile(path, 'no zip')
    await expect(verifyBundle({ path })).rejects.toMatchObject({ code: 'bundle-damaged' })
  } finally {
    await rm(folder, { recursive: true })
  }
})
