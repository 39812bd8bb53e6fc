import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ChatTokenizer, openTokenizer } from '../src/index.ts'
import { compilePreTokenizer } from '../src/text/pre-tokenizer.ts'
import { compileTokenizer } from '../src/text/text-codec.ts'
import { composeAsUnicode9 } from '../src/text/unicode-versions.ts'
import { fixtures, temporaryFolder } from './golden.ts'

const textFolder = join(fixtures, 'text')
const kinds = ['qwen2', 'llama3', 'gemma', 'tekken', 'llama2', 'mistral3'] as const

function lines(name: string): readonly unknown[] {
  const text = gunzipSync(readFileSync(join(textFolder, name))).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
}

const readDefinition = (kind: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(textFolder, kind, 'tokenizer.json'), 'utf8'))

interface TextRow {
  readonly ids: readonly number[]
  /** With special tokens as text, where that differs. */
  readonly plain?: readonly number[]
  /** Where it is not the text itself. */
  readonly decoded?: string
  readonly decodedSkipping?: string
}

describe.each(kinds)('%s: as Transformers has it', (kind) => {
  const texts = lines('texts.jsonl.gz') as readonly string[]
  const rows = lines(`${kind}/texts.jsonl.gz`) as readonly TextRow[]
  let tokenizer: ChatTokenizer
  beforeAll(async () => {
    tokenizer = await openTokenizer(join(textFolder, kind))
  })
  const disagreeing = (agrees: (text: string, row: TextRow) => boolean) =>
    texts.filter((text, i) => !agrees(text, rows[i] as TextRow)).map((text) => text.slice(0, 60))
  const same = (a: readonly number[], b: readonly number[]) =>
    a.length === b.length && a.every((id, i) => id === b[i])

  test('ids of 2,000 texts', () => {
    expect([texts.length, rows.length]).toEqual([2000, 2000])
    expect(disagreeing((text, { ids }) => same(tokenizer.encode(text), ids))).toEqual([])
  })

  test('ids of 2,000 texts with special tokens as text', () => {
    expect(rows.filter(({ plain }) => plain !== undefined).length).toBeGreaterThan(40)
    const encode = (text: string) => tokenizer.encode(text, { specialTokens: false })
    expect(disagreeing((text, { ids, plain }) => same(encode(text), plain ?? ids))).toEqual([])
  })

  test('texts of these ids, with and without special tokens', () => {
    const decode = (ids: readonly number[], skipSpecialTokens: boolean) =>
      tokenizer.decode(ids, { skipSpecialTokens })
    expect(
      disagreeing((text, { ids, decoded, decodedSkipping }) => {
        const own = text.toWellFormed()
        const all = decode(ids, false) === (decoded ?? own)
        return all && decode(ids, true) === (decodedSkipping ?? own)
      }),
    ).toEqual([])
  })

  test('texts of 400 sequences of ids that no text gives', () => {
    const given = lines(`${kind}/ids.jsonl.gz`) as readonly Required<TextRow>[]
    expect(given.length).toBe(400)
    for (const { ids, decoded, decodedSkipping } of given) {
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded)
      expect(tokenizer.decode(ids)).toBe(decodedSkipping)
    }
  })
})

interface Variant {
  readonly kind: string
  readonly changes: Readonly<Record<string, unknown>>
  readonly cases: readonly {
    readonly text: string
    readonly ids: readonly number[]
    readonly plain: readonly number[]
    readonly decoded: string
  }[]
}

/** A part replaced, options of the model changed, or added tokens appended. */
function changed({ kind, changes }: Variant): Record<string, unknown> {
  const definition = readDefinition(kind)
  const { model, added_tokens: added, ...parts } = changes
  return {
    ...definition,
    ...parts,
    model: { ...(definition['model'] as object), ...(model as object | undefined) },
    added_tokens: [
      ...(definition['added_tokens'] as readonly unknown[]),
      ...((added as readonly unknown[] | undefined) ?? []),
    ],
  }
}

test.each(
  (lines('variants.jsonl.gz') as readonly Variant[]).map((variant) => ({
    variant,
    name: `${variant.kind} with ${JSON.stringify(variant.changes).slice(0, 110)}`,
  })),
)('settings of tokenizer.json as the tokenizers library has them: $name', ({ variant }) => {
  const codec = compileTokenizer(changed(variant))
  for (const { text, ids, plain, decoded } of variant.cases) {
    expect({ text, ids: codec.encode(text, { specialTokens: true }) }).toEqual({ text, ids })
    expect({ text, plain: codec.encode(text, { specialTokens: false }) }).toEqual({ text, plain })
    expect(codec.decode(ids, { skipSpecialTokens: false })).toBe(decoded)
  }
})

describe('where versions of Unicode disagree', () => {
  interface Words {
    readonly pattern: string
    readonly cases: readonly { readonly text: string; readonly starts: readonly number[] }[]
  }

  test.each(lines('words.jsonl.gz') as readonly Words[])(
    'words are those of Oniguruma ($pattern)',
    (words) => {
      const type = { type: 'Split', behavior: 'Isolated', pattern: { Regex: words.pattern } }
      const split = compilePreTokenizer(type)
      for (const { text, starts } of words.cases) {
        let at = 0
        const own = split([text], true).map((word) => {
          const start = at
          at += Array.from(word).length
          return start
        })
        expect({ text, starts: own }).toEqual({ text, starts })
      }
    },
  )

  test('normalization is that of the tokenizers library', () => {
    for (const { text, composed } of lines('composed.jsonl.gz') as readonly {
      text: string
      composed: string
    }[])
      expect({ text, composed: composeAsUnicode9(text) }).toEqual({ text, composed })
  })
})

describe('what cannot be computed is refused', () => {
  test.each([
    [{ normalizer: { type: 'Lowercase' } }, 'normalizer is "Lowercase"'],
    [{ pre_tokenizer: { type: 'Punctuation' } }, 'pre_tokenizer is "Punctuation"'],
    [{ decoder: { type: 'CTC' } }, 'decoder is "CTC"'],
    [{ model: { type: 'Unigram', vocab: [] } }, 'model is "Unigram"'],
    [{ model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } }, 'the merge "a b"'],
    [{ model: { type: 'BPE', vocab: { a: -1 }, merges: [] } }, 'the id of "a" is -1'],
    [{ model: { type: 'BPE', vocab: {}, merges: [], dropout: 0.1 } }, 'dropout is 0.1'],
    [{ model: { type: 'BPE', vocab: {}, merges: [], unk_token: '?' } }, 'unk_token "?"'],
    [{ added_tokens: [{ id: 1.5, content: 'a' }] }, 'the id 1.5'],
    [{ added_tokens: [{ id: 1 }] }, 'added token 1 has no text'],
    [
      { added_tokens: [{ id: 9, content: 'a' }] },
      'has the id 9, and Transformers would give it 64',
    ],
    [{ added_tokens: [{ id: 9, content: '<new>' }] }, 'would give it 1600'],
    [
      { pre_tokenizer: { type: 'Split', behavior: 'Sideways', pattern: { String: ' ' } } },
      '"Sideways"',
    ],
    [{ pre_tokenizer: { type: 'Split', behavior: 'Isolated', pattern: { Regex: '(' } } }, '('],
    [{ pre_tokenizer: { type: 'Split', behavior: 'Isolated', pattern: 'x' } }, '"x"'],
  ])('%j', (changes, message) => {
    expect(() => compileTokenizer({ ...readDefinition('qwen2'), ...changes })).toThrow(message)
  })

  test('a pattern that would never be done, when it is met', { timeout: 60_000 }, () => {
    const pattern = { Regex: '((\\w|\\d)+)+!' }
    const split = compilePreTokenizer({ type: 'Split', behavior: 'Isolated', pattern })
    expect(split(['ab!'], true)).toEqual(['ab!'])
    expect(() => split(['a'.repeat(60)], true)).toThrow('tries too many ways to match')
  })

  test('a merge whose result has no id, when it is met', async () => {
    const definition = readDefinition('qwen2')
    const model = { type: 'BPE', vocab: { a: 0, b: 1 }, merges: ['a b'] }
    const folder = await temporaryFolder()
    const content = JSON.stringify({ ...definition, model, added_tokens: [] })
    await writeFile(join(folder, 'tokenizer.json'), content)
    const tokenizer = await openTokenizer(folder)
    expect(tokenizer.encode('aa')).toEqual([0, 0])
    expect(() => tokenizer.encode('ab')).toThrow(
      expect.objectContaining({
        code: 'tokenizer-invalid',
        message: expect.stringContaining('"a b"'),
      }),
    )
  })
})
