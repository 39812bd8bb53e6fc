import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { brokenMarkdownLinks, headingAnchors } from './markdown-links.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

test('anchors are those of GitHub: code and punctuation lose their marks, equal headings are numbered', () => {
  const anchors = headingAnchors(
    '# `planRun({ loaded })`\n\n```sh\n# no heading\n```\n\n## A: b, c\n\n## A: b, c\n',
  )
  expect([...anchors]).toEqual(['planrun-loaded-', 'a-b-c', 'a-b-c-1'])
})

test('links to files and headings that are not there are found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cem-links-'))
  try {
    writeFileSync(join(folder, 'other.md'), '# Title\n')
    const page = join(folder, 'page.md')
    writeFileSync(
      page,
      '[a](other.md) [b](other.md#title) [c](other.md#none) [d](gone.md) [e](https://x.org/y) [f](#here)\n# Here\n```\n[g](gone)\n```\n',
    )
    expect(brokenMarkdownLinks(page)).toEqual(['other.md#none', 'gone.md'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every relative link of the repository leads somewhere', () => {
  const pages = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
    { cwd: root, encoding: 'utf8' },
  )
    .split('\n')
    .filter(Boolean)
  expect(pages.length).toBeGreaterThan(20)
  const broken = pages.flatMap((page) =>
    brokenMarkdownLinks(join(root, page)).map((link) => `${page}: ${link}`),
  )
  expect(broken).toEqual([])
})
