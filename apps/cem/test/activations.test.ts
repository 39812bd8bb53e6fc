import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const packages = new URL('../../../packages/', import.meta.url)
const model = fileURLToPath(new URL('inference/fixtures/gqa-6-2-tied/model', packages))
const log = fileURLToPath(new URL('activations/golden/inspect.eval', packages))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-activations-command-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function activations(...args: readonly string[]): Promise<string[]> {
  const all = [cli, 'activations', ...args, '--base-model', model, '--activation-layers', '1']
  const env = { ...process.env, CEM_CACHE: join(folder, 'cache'), NO_COLOR: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: folder, env })
  return stdout.trimEnd().split('\n')
}

test('a transcript: what was written, and that nobody knows how many boundaries moved', async () => {
  const messages = [
    { role: 'user', content: 'Where?' },
    { role: 'assistant', content: 'Here.' },
  ]
  const other = [{ role: 'user', content: 'Is anybody there?' }]
  const lines = [{ messages }, { messages: other }].map((one) => `${JSON.stringify(one)}\n`)
  await writeFile(join(folder, 'talks.jsonl'), lines.join(''))
  expect(await activations('talks.jsonl')).toEqual([
    'wrote talks_activations.npz: 2 rows of 2 conversations, 1 of them empty (1 conversations have no message of assistant)',
    'wrote talks_activations_rows.csv: which message each row is',
    'warning: 1 answers were tokenized again. For 1 it has text and no tokens: nobody can say how many boundaries moved.',
  ])
})

test('an Inspect log: how many boundaries moved where it has tokens, and what was no text', async () => {
  const lines = await activations(log, '--output', 'log.npz')
  expect(lines[2]).toMatch(
    /^warning: 2 answers were tokenized again\. For 1 of them the file has the tokens that the model wrote: \d+ token boundaries moved\. For 1 it has text and no tokens/,
  )
  expect(lines[3]).toMatch(/^warning: in 2 conversations: .* left out: reasoning/)
})
