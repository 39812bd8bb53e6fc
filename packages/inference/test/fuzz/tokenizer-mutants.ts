// Mutants of tokenizer.json and tokenizer_config.json: opened, a short text encoded and decoded, a conversation rendered.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomSource } from '@cem/core'
import { readMutants } from '@cem/vitest-config/mutants'
import { openTokenizer } from '../../src/text/tokenizer.ts'
import { mutateJson } from './mutate-json.ts'

const sources = ['gqa-6-2-tied/model', 'gqa-4-1-untied/model', 'text/llama3', 'text/gemma'].map(
  (name) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url)),
)
const folder = await mkdtemp(join(tmpdir(), 'cem-tokenizer-mutants-'))
const text = "The heron's 12 bridges\n\n  été 🙂 <|im_end|> 你好"

try {
  await readMutants(Number(process.argv[2]), async (seed) => {
    const source = sources[seed % sources.length] as string
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      await copyFile(join(source, name), join(folder, name))
    const changed = seed % 8 < 6 ? 'tokenizer.json' : 'tokenizer_config.json'
    const original = await readFile(join(source, changed), 'utf8')
    const mutant = mutateJson(original, randomSource('tokenizer', seed))
    await writeFile(join(folder, changed), mutant)
    const tokenizer = await openTokenizer(folder)
    const ids = tokenizer.encode(text)
    const decoded = tokenizer.decode(ids, { skipSpecialTokens: false })
    const said = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as Definition
    check(ids, said, JSON.parse(await readFile(join(source, 'tokenizer.json'), 'utf8')), decoded)
    // The others have no template of their own.
    if (source.endsWith('model')) tokenizer.encodeChat([{ role: 'user', content: text }])
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}

interface Definition {
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly unk_token?: string }
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[]
}

/** Every id must be one of the file's, and their tokens, put together, the text as its unchanged steps write it. */
function check(
  ids: readonly number[],
  said: Definition,
  original: Definition,
  decoded: string,
): void {
  const tokenOf = new Map(Object.entries(said.model.vocab).map(([token, id]) => [id, token]))
  for (const { id, content } of said.added_tokens ?? []) tokenOf.set(id, content)
  for (const id of ids) if (!tokenOf.has(id)) throw new Error(`the id ${id} is none of the file's`)
  const rest = ({ model, added_tokens: added, ...parts }: Definition) =>
    JSON.stringify([parts, Object.keys(model.vocab).length, added])
  // Where a character's token is gone, the character is too, as in Transformers.
  if (rest(said) !== rest(original)) return
  const characters = Object.keys(original.model.vocab).filter((token) => token.length <= 6)
  if (characters.some((token) => said.model.vocab[token] !== original.model.vocab[token])) return
  if (decoded !== text) throw new Error(`decodes to ${JSON.stringify(decoded)}`)
}
