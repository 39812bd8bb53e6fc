import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * One more than the largest token id of a tokenizer.json, without making the tokenizer of it, which takes a second for a large
 * vocabulary. Undefined where the file is not there or not of a known form: whoever opens the tokenizer says what is wrong.
 */
export async function countTokens(folder: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(folder, 'tokenizer.json'), 'utf8')
    const { model, added_tokens: added = [] } = JSON.parse(text) as TokenizerFile
    // Unigram models list [token, score], by id; others map tokens to ids.
    const { vocab } = model
    const ids = isList(vocab) ? [vocab.length - 1] : Object.values(vocab)
    let largest = -1
    for (const id of ids) if (id > largest) largest = id
    for (const { id } of added) if (id > largest) largest = id
    return Number.isInteger(largest) && largest >= 0 ? largest + 1 : undefined
  } catch {
    return undefined
  }
}

type Vocabulary = readonly unknown[] | Readonly<Record<string, number>>

function isList(vocab: Vocabulary): vocab is readonly unknown[] {
  return Array.isArray(vocab)
}

interface TokenizerFile {
  readonly model: { readonly vocab: Vocabulary }
  readonly added_tokens?: readonly { readonly id: number }[]
}
