import { expect, test } from 'vitest'
import { makeProgram } from '../../src/program/make-program.ts'
import { blocksOf, documents, isPage } from './pages.ts'
import { cemCommands } from './shell-commands.ts'

type Program = ReturnType<typeof makeProgram>

/** Parses a command line as `cem` does, and does nothing. */
async function accept(words: readonly string[]): Promise<void> {
  let said = ''
  const program = makeProgram(() => undefined)
  const silence = (command: Program) => {
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) })
    if (command.commands.length === 0 || command.registeredArguments.length > 0)
      command.action(() => undefined)
    for (const child of command.commands) silence(child)
  }
  silence(program)
  await program.parseAsync([...words], { from: 'user' }).catch((error: unknown) => {
    throw new Error(said || String(error), { cause: error })
  })
}

const lines = documents.flatMap((document) => {
  const { file, text } = document
  // The first lines of a config say in a comment how it is run.
  const scripts = isPage(document) ? blocksOf(text, 'sh') : [text.replaceAll(/^# {2,}/gm, '')]
  return cemCommands(scripts.join('\n')).map((words) => ({ file, words }))
})

test('documents have command lines, and wrong ones are refused', async () => {
  expect(lines.length).toBeGreaterThan(60)
  await expect(accept(['run', '--no-such-flag'])).rejects.toThrow('unknown option')
  await expect(accept(['run', 'a.yaml', 'b.yaml'])).rejects.toThrow('too many arguments')
  await expect(accept(['no-such-command'])).rejects.toThrow('unknown command')
})

test.each(lines)('$file: cem $words', async ({ words }) => {
  await expect(accept(words)).resolves.toBeUndefined()
})

test('the README has a row for every command, and no other', () => {
  const names = makeProgram(() => undefined).commands.map((command) => command.name())
  const readme = documents.find(({ file }) => file === 'apps/cem/README.md')?.text ?? ''
  const rows = Array.from(readme.matchAll(/^\| `cem ([a-z-]+)/gm), ([, name = '']) => name)
  expect(names.filter((name) => !rows.includes(name))).toEqual([])
  expect(rows.filter((name) => !names.includes(name))).toEqual([])
})
