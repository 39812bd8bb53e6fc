import type { Command } from 'commander'
import { commandExamples } from './command-examples.ts'

export const examples = `
Examples:
  cem run                                 the miniature: a tiny real model that shows the effect, in minutes
  cem init my.yaml                        a config from the answers to a few questions
  cem plan my.yaml                        what it takes, and what its tests can show
  cem run my.yaml                         an experiment, or what is left of it
  cem run my.yaml --phase generate        on a GPU node without network; then, elsewhere:
  cem run my.yaml --phase judge
  cem watch my                            a run of another process, through its folder
  cem compare my other                    two runs side by side
  cem pull Qwen/Qwen2.5-7B-Instruct       from the hub; interrupted, the same command goes on

cem COMMAND --help has more of each.

Exit codes: 0 complete, 1 failed, 2 wrong flags, 3 units remain with another process, 130 stopped (the same command goes on).
Environment: NO_COLOR; CEM_PLAIN=1 or INK_SCREEN_READER=true for plain lines; CEM_THEME=light or dark; CEM_CACHE.`

/** Puts the examples of each command below its help, where it has none of its own. */
export function addExamples(program: Command): void {
  for (const [path, lines] of Object.entries(commandExamples)) {
    const command = path
      .split(' ')
      .reduce<Command | undefined>(
        (parent, name) => parent?.commands.find((one) => one.name() === name),
        program,
      )
    command?.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
}
