import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addCompareCommand(program: Command, finish: Finish): void {
  program
    .command('compare')
    .description(
      'sets two runs side by side: rates with intervals, differences, what of their locks differs',
    )
    .argument('<run>', "a run's name, or its folder (results/.cem/<run>)")
    .argument('<other>', 'another one')
    .option('--results <folder>', 'where results are', 'results')
    .option('--json', 'all of it as JSON')
    .action(async (run: string, other: string, flags) => {
      const { compareCommand } = await import('../commands/compare.ts')
      finish(await compareCommand(run, other, flags))
    })
}
