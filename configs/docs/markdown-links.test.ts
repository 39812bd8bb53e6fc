import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

test('every relative link of the repository leads to something that git has', () => {
  const files = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '-z'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    },
  )
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)))
  // A file that git ignores is here, and nowhere else.
  const known = new Set([join(root)])
  for (const file of files)
    for (let path = file; path !== '.'; path = dirname(path)) known.add(join(root, path))
  const pages = files.filter((file) => file.endsWith('.md'))
  expect(pages.length).toBeGreaterThan(20)
  const broken = pages.flatMap((page) =>
    brokenMarkdownLinks(join(root, page), (path) => known.has(path)).map(
      (link) => `${page}: ${link}`,
    ),
  )
  expect(broken).toEqual([])
})
