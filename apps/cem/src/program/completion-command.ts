import { Argument, type Command } from 'commander'
import type { Finish } from './finish.ts'

export function addCompletionCommand(program: Command, finish: Finish): void {
  program
    .command('completion')
    .description('prints a script with which a shell completes commands and flags')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion/completion-script.ts')
      process.stdout.write(completionScript(program, shell))
      finish(0)
    })
}
