import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { completionScript } from '../src/completion/completion-script.ts'
import { commandExamples } from '../src/program/command-examples.ts'
import { makeProgram } from '../src/program/make-program.ts'

const program = makeProgram(vi.fn())
const folder = mkdtempSync(join(tmpdir(), 'cem-completion-'))
afterAll(() => rmSync(folder, { recursive: true }))

function script(shell: 'bash' | 'zsh' | 'fish'): string {
  const file = join(folder, `cem.${shell}`)
  writeFileSync(file, completionScript(program, shell))
  return file
}

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0

describe.skipIf(!has('bash'))('bash', () => {
  /** What bash offers for the last of these words. */
  function offered(...words: readonly string[]): string[] {
    const command = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _cem; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', command, script('bash'), 'cem', ...words], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
  }

  test('offers commands, those below a command, flags, and the values of a flag', () => {
    expect(offered('pl')).toEqual(['plan', 'plot'])
    expect(offered('plot', '')).toEqual(expect.arrayContaining(['curves', 'projections']))
    expect(offered('run', '--ph')).toEqual(['--phase'])
    expect(offered('run', '--phase', '')).toEqual(['generate', 'judge', 'analyse'])
    expect(offered('plot', 'curves', '--out')).toEqual(['--output'])
    expect(offered('completion', 'z')).toEqual(['zsh'])
  })

  test('knows every command of the program', () => {
    expect(offered('')).toEqual(program.commands.map((command) => command.name()))
  })
})

test.skipIf(!has('zsh'))('zsh reads its script, and has a function for every command', () => {
  const check = `autoload -U compinit; compinit -D -u; source ${script('zsh')}; whence _cem_plot_curves`
  expect(execFileSync('zsh', ['-f', '-c', check], { encoding: 'utf8' })).toBe('_cem_plot_curves\n')
})

test.skipIf(!has('fish'))('fish offers commands and the values of a flag', () => {
  const offered = (line: string) =>
    execFileSync('fish', ['-c', `source ${script('fish')}; complete -C ${JSON.stringify(line)}`], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .map((one) => one.split('\t')[0])
  expect(offered('cem plot ')).toEqual(expect.arrayContaining(['curves', 'projections']))
  expect(offered('cem run --phase ')).toEqual(['analyse', 'generate', 'judge'])
})

describe('the help', () => {
  function commandsOf(command: Command): Command[] {
    return command.commands.length === 0 ? [command] : command.commands.flatMap(commandsOf)
  }
  const helpOf = (command: Command) => {
    let text = ''
    command.configureOutput({
      writeOut: (part) => {
        text += part
      },
    })
    command.outputHelp()
    return text
  }

  test.each(commandsOf(program).map((command) => [command.name(), command] as const))(
    'of %s has an example',
    (_, command) => {
      expect(helpOf(command)).toMatch(/Examples?:\n\s+\S*.*cem /)
    },
  )

  test('has examples whose commands and flags there are', () => {
    for (const [path, lines] of Object.entries(commandExamples))
      for (const line of lines) {
        const [text = ''] = line.split(/ {3,}| \| /)
        if (!text.startsWith('cem ')) continue
        const command = path
          .split(' ')
          .reduce<Command | undefined>(
            (parent, name) => parent?.commands.find((one) => one.name() === name),
            program,
          )
        if (command === undefined) continue
        expect(text).toMatch(new RegExp(`^cem ${path}( |$)`))
        const known = command.options.flatMap(({ long }) => long ?? [])
        for (const flag of text.match(/--[a-z-]+/g) ?? []) expect(known).toContain(flag)
      }
  })
})
