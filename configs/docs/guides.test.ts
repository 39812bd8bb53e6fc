import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { guideBlocks, missingLines } from './guide-blocks.ts'
import { runGuide } from './run-guide.ts'

const folder = new URL('../../docs/guides/', import.meta.url)
const guides = readdirSync(folder).filter((name) => name.endsWith('.md'))

describe('what is read from a guide', () => {
  test('blocks have a language, a file, and the reason why they are not run', () => {
    const [first, second, third] = guideBlocks(
      '```sh\ncem run\n```\nWords.\n\n```yaml study.yaml\na: 1\n```\n\n<!-- not run: it needs a GPU -->\n\n```sh\ncem run x\n```\n',
    )
    expect(first).toMatchObject({ language: 'sh', text: 'cem run\n', notRun: undefined })
    expect(second).toMatchObject({ language: 'yaml', file: 'study.yaml' })
    expect(third).toMatchObject({ notRun: 'it needs a GPU' })
    expect(() => guideBlocks('```\nx\n```\n')).toThrow('give every block a language')
  })

  test('shown lines are looked for in order, and dots stand for any lines', () => {
    expect(missingLines('a\n...\nc\n', 'a\nb\n  c\n')).toEqual([])
    expect(missingLines('c\na\n', 'a\nb\nc\n')).toEqual(['a'])
  })
})

test('the site and the README list every guide', () => {
  for (const list of ['../../typedoc.json', '../../README.md']) {
    const text = readFileSync(new URL(list, import.meta.url), 'utf8')
    expect(guides.filter((guide) => !text.includes(`docs/guides/${guide}`))).toEqual([])
  }
})

test('the list of decisions has every decision', () => {
  const decisions = new URL('../../docs/decisions/', import.meta.url)
  const list = readFileSync(new URL('README.md', decisions), 'utf8')
  const pages = readdirSync(decisions).filter((name) => /^\d{4}-.*\.md$/.test(name))
  expect(pages.filter((page) => !list.includes(`(${page})`))).toEqual([])
})

// Runs share what they make only within a guide, so that each can be followed alone.
test.each(guides)(
  'what %s says to do works, and prints what it says',
  async (guide) => {
    expect(await runGuide(readFileSync(new URL(guide, folder), 'utf8'))).toEqual([])
  },
  300_000,
)
