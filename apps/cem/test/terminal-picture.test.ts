import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../../docs/images/terminal-picture.mjs', import.meta.url))

test('a recorded screen becomes an SVG with its colours, and text stays text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-picture-'))
  const [input, output] = [join(folder, 'a.ansi'), join(folder, 'a.svg')]
  // Red on a background, a reset, markup that must not become markup, and a braille character with dots 1 and 8.
  await writeFile(input, '\u001b[31;48;2;1;2;3mred\u001b[0m <b>&\n\u2881\n')
  execFileSync(process.execPath, [script, input, output, '--title', 'a "run"'])
  const svg = await readFile(output, 'utf8')
  expect(svg).toContain('fill="#010203"')
  expect(svg).toMatch(/fill="#ff7b72"[^>]*>red</)
  expect(svg).toContain('&lt;b&gt;&amp;')
  expect(svg).toContain('aria-label="a &quot;run&quot;"')
  expect(svg.match(/r="1\.35"/g)).toHaveLength(2)
  await rm(folder, { recursive: true })
})
