import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@cem/experiment'
import { readProtocol } from '@cem/judge'
import {
  loadCharacterConfig,
  loadReflectionConfig,
  loadTrainingFile,
  readConstitution,
} from '@cem/training'
import { expect, test } from 'vitest'
import { blocksOf, documents, isPage } from './pages.ts'

/** What reads a config, by a key that it alone has. */
const readers: readonly (readonly [RegExp, (file: string) => Promise<unknown>])[] = [
  [/^traits:/m, readConstitution],
  [/^judge_prompts:/m, readProtocol],
  [/^trainings:/m, loadTrainingFile],
  [/^speakers:/m, loadCharacterConfig],
  [/^speaker:/m, loadReflectionConfig],
]

/** Holds a config, or the part of an experiment's that a page shows, against its reader. */
async function accept(text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-documents-'))
  try {
    const file = join(folder, 'config.yaml')
    const read = readers.find(([key]) => key.test(text))?.[1]
    const missing = ['base_model: ORG/NAME', 'variants: []'].filter(
      (line) => !new RegExp(`^${line.split(':')[0]}:`, 'm').test(text),
    )
    await writeFile(file, read === undefined ? [...missing, text].join('\n') : text)
    await (read ?? loadConfig)(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const configs = documents.flatMap((document) => {
  const { file, text } = document
  if (!isPage(document)) return [{ name: file, text }]
  return blocksOf(text, 'yaml').map((block, i) => ({
    name: `${file}, block ${i + 1}`,
    text: block,
  }))
})

test('documents have configs, and a wrong key is refused', async () => {
  expect(configs.length).toBeGreaterThan(20)
  await expect(accept('samplingg: { seed: 1 }')).rejects.toThrow('samplingg')
})

test.each(configs)('$name is accepted', async ({ text }) => {
  await expect(accept(text)).resolves.toBeUndefined()
})
