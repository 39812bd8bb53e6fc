import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addPullCommand(program: Command, finish: Finish): void {
  program
    .command('pull')
    .description("fetches a model or an adapter from the Hugging Face hub into the hub's cache")
    .argument('<model>', 'ORG/NAME, or ORG/NAME@REVISION')
    .option('--all', 'every file, not only what running it takes')
    .action(async (model: string, flags) => {
      const { pullCommand } = await import('../commands/pull.ts')
      finish(await pullCommand(model, flags))
    })
}
