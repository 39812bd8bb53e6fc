import { expect, test } from 'vitest'
import { problemsOf } from './manifest-problems.ts'

const entry = (ending: string) => ({
  types: `./dist/index.d.${ending}`,
  default: './dist/index.js',
})
const sound = {
  license: 'MIT',
  description: 'A package.',
  engines: { node: '>=22' },
  sideEffects: false,
  publishConfig: { access: 'public' },
  exports: { '.': { import: entry('ts'), require: entry('cts') } },
  files: ['dist', 'CHANGELOG.md'],
  dependencies: { '@cem/core': '^0.1.0' },
}
const files = [
  'package.json',
  'README.md',
  'LICENSE',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/index.d.cts',
]

test('a sound package has no problems', () => {
  expect(problemsOf(sound, files)).toEqual([])
})

test.each<[string, object, string[], string[]]>([
  ['a missing licence file', {}, files.filter((f) => f !== 'LICENSE'), ['LICENSE is missing']],
  [
    'types for one kind of import alone',
    { exports: { '.': { import: entry('ts') } } },
    files,
    ['the entry undefined is missing', 'the entry undefined is missing'],
  ],
  [
    'a test that is packed',
    {},
    [...files, 'dist/a.test.js'],
    ['dist/a.test.js should not be published'],
  ],
  ['side effects', { sideEffects: undefined }, files, ['sideEffects is not false']],
  ['no engines', { engines: undefined }, files, ['engines.node is missing']],
  [
    'a range of the workspace',
    { dependencies: { '@cem/core': 'workspace:^' } },
    files,
    ['@cem/core is workspace:^'],
  ],
])('%s is found', (_, change, packed, expected) => {
  expect(problemsOf({ ...sound, ...change }, packed)).toEqual(expected)
})
