import { describe, expect, test } from 'vitest'
import { fencedCodeBlocks } from './code-blocks.ts'

const blocks = (text: string) =>
  fencedCodeBlocks(text).map(({ start, end }) => text.slice(start, end))

describe('fenced code blocks', () => {
  test('are found with their fences, without the line break behind them', () => {
    expect(blocks('a\n```js\nx\n```\nb\n~~~\ny\n~~~')).toEqual(['```js\nx\n```', '~~~\ny\n~~~'])
    expect(blocks('```\r\nx\r\n```\r\nb')).toEqual(['```\r\nx\r\n```'])
  })

  test('end at a fence of the same kind that is at least as long, or with the text', () => {
    expect(blocks('````\n```\n~~~~\n`````\nb')).toEqual(['````\n```\n~~~~\n`````'])
    expect(blocks('```\nx\n``` js\ny\n')).toEqual(['```\nx\n``` js\ny'])
    expect(blocks('```')).toEqual(['```'])
  })

  test('may be indented, in lists and in quotations', () => {
    expect(
      blocks('- ```sh\n  ls\n  ```\n> ```\n> x\n> ```\n        ```\n        y\n        ```'),
    ).toEqual(['- ```sh\n  ls\n  ```', '> ```\n> x\n> ```', '        ```\n        y\n        ```'])
  })

  test('are none where backticks are inline, too few, or not first in their line', () => {
    for (const text of ['', '\n', '```x```', '``\nx\n``', 'see ```\nx', '``` a`b\nx', '-```\nx'])
      expect(blocks(text)).toEqual([])
  })

  test('are looked for in a time that grows with the length alone', () => {
    const hostile = `${' '.repeat(50_000)}x\n${'> '.repeat(50_000)}\n${'`'.repeat(100_000)}x\`\n${'- '.repeat(50_000)}`
    expect(blocks(hostile)).toEqual([])
  })

  test('are found in byte strings, whose other bytes are no spaces', () => {
    // U+00A0 and U+0085 are bytes of characters in UTF-8.
    const bytes = Buffer.from('à\n```\nx\n```').toString('latin1')
    expect(blocks(bytes)).toEqual(['```\nx\n```'])
    expect(blocks('\u00a0```\nx\n\u0085```')).toEqual([])
  })
})
