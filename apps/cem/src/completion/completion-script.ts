import type { Command } from 'commander'
import { bashScript } from './bash-script.ts'
import { commandTree } from './command-tree.ts'
import { fishScript } from './fish-script.ts'
import { zshScript } from './zsh-script.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** A script that teaches a shell the program's commands, flags and values, made from their definitions. */
export function completionScript(program: Command, shell: Shell): string {
  return scripts[shell](commandTree(program))
}
