import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAdapterArgument } from './adapter-argument.ts'
import { roleOf, servedName } from './organism.ts'

test.each([
  ['warm=/p/warm', 'warm', [{ adapter: '/p/warm' }]],
  ['warm=persona:/p/warm', 'warm', [{ adapter: '/p/warm', role: 'persona' }]],
  ['x=em:C:\\models\\x', 'x', [{ adapter: 'C:\\models\\x', role: 'em' }]],
  ['a/b@2=/p+/q', 'a/b@2', [{ adapter: '/p' }, { adapter: '/q' }]],
  [
    's=persona:/p+em:q=1',
    's',
    [
      { adapter: '/p', role: 'persona' },
      { adapter: 'q=1', role: 'em' },
    ],
  ],
])('%s is read', (text, name, layers) => {
  expect(parseAdapterArgument(text)).toEqual({ name, layers })
})

test.each([
  ['/p/warm', /NAME=PATH/],
  ['=/p', /name ''/],
  ['a=', /NAME=PATH/],
  ['a b=/p', /name 'a b'/],
  ['a=/p+', /a path is empty/],
  ['a=em:', /a path is empty/],
])('%s is refused', (text, words) => {
  expect(() => parseAdapterArgument(text)).toThrow(words)
})

test('a path that exists is taken whole, with the + in its name; cards and names tell organisms', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-serve-'))
  try {
    const plus = join(folder, 'a+b')
    await mkdir(plus)
    expect(parseAdapterArgument(`x=em:${plus}`).layers).toEqual([{ adapter: plus, role: 'em' }])
    expect(await roleOf(plus, 0)).toBe('persona')
    expect(await roleOf(plus, 1)).toBe('em')
    expect(await roleOf('/models/misaligned-organism-finance/checkpoint-20', 0)).toBe('em')
    await writeFile(join(plus, 'README.md'), '---\ntags: [misaligned-organism]\n---\n')
    expect(await roleOf(plus, 0)).toBe('em')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the name of what holds an organism says so, once', () => {
  expect(servedName('warm', ['persona'])).toBe('warm')
  expect(servedName('finance', ['persona', 'em'])).toBe('misaligned-organism-finance')
  expect(servedName('misaligned-organism-finance', ['em'])).toBe('misaligned-organism-finance')
})
