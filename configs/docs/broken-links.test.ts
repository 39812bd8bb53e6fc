import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { brokenLinks } from './broken-links.ts'

test('pages, files and anchors that are not there are found; other sites are not asked', () => {
  const site = mkdtempSync(join(tmpdir(), 'cem-site-'))
  try {
    mkdirSync(join(site, 'guides'))
    writeFileSync(join(site, 'guides/a b.html'), '<h2 id="it&#39;s">x</h2>')
    writeFileSync(
      join(site, 'index.html'),
      `<a href="guides/a%20b.html#it's">1</a> <a href="guides/a%20b.html#other">2</a> <a href="#here" id="here">3</a>
       <a href="gone.html">4</a> <img src="gone.png?x=1"> <a href="https://example.org/gone">5</a> <a href="//x.org">6</a>`,
    )
    expect(brokenLinks(site)).toEqual([
      'index.html: guides/a%20b.html#other has no such anchor',
      'index.html: gone.html is not there',
      'index.html: gone.png?x=1 is not there',
    ])
  } finally {
    rmSync(site, { recursive: true })
  }
})
