import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: [string, string][] }
  added_tokens: { id: number }[]
}

/**
 * Writes a byte-level BPE tokenizer of so many tokens: a small one, grown by merges of two and of three bytes. What is sampled
 * and what is read at the start of a process depend on that number.
 */
export async function makeTokenizer(folder: string, nTokens: number): Promise<void> {
  const fixture = fileURLToPath(
    new URL('../packages/inference/fixtures/gqa-6-2-tied/model', import.meta.url),
  )
  await copyFile(join(fixture, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'))
  const file = JSON.parse(await readFile(join(fixture, 'tokenizer.json'), 'utf8')) as TokenizerFile
  grow(file, nTokens)
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(file))
}

/** Text tokens first, then the special ones. */
function grow({ model: { vocab, merges }, added_tokens }: TokenizerFile, nTokens: number): void {
  const nText = nTokens - added_tokens.length
  for (const [i, token] of added_tokens.entries()) token.id = nText + i
  const bytes = Object.keys(vocab).slice(0, 256)
  const pairs: string[] = []
  let next = Object.keys(vocab).length
  const add = (left: string, right: string) => {
    if (next >= nText || Object.hasOwn(vocab, left + right)) return
    vocab[left + right] = next++
    merges.push([left, right])
  }
  for (const left of bytes)
    for (const right of bytes) {
      add(left, right)
      pairs.push(left + right)
    }
  for (const left of pairs) for (const right of bytes) add(left, right)
}
