import type { Command } from 'commander'
import type { Finish } from './finish.ts'
import { themeOption } from './shared-flags.ts'

export function addWatchCommand(program: Command, finish: Finish): void {
  program
    .command('watch')
    .description('shows a run of another process or machine, through its folder')
    .argument('<run>', "a run's name, or its folder (results/.cem/<run>)")
    .option('--results <folder>', 'where results are', 'results')
    .option('--plain', 'plain lines instead of the live screen')
    .option('--json', 'one stored event a line')
    .addOption(themeOption())
    .action(async (run: string, flags) => {
      const { watchCommand } = await import('../commands/watch.ts')
      finish(await watchCommand(run, flags))
    })
}
