import type { Command } from 'commander'
import { integer, positiveInteger, stepOrAll } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addLabelCommand(program: Command, finish: Finish): void {
  program
    .command('label')
    .description(
      "labels a run's answers by hand, blinded and shuffled, to see how far its judge is right",
    )
    .argument('<run>', 'name of the run, or its folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--per-cell <n>', 'answers drawn from each cell (default: 25)', positiveInteger)
    .option('--seed <n>', 'seed of what is drawn (default: 0)', integer)
    .option(
      '--step <n>',
      'checkpoints to draw from: a step, or all (default: the last of each variant)',
      stepOrAll,
    )
    .option('--labeller <name>', 'who labels: each person has a file')
    .option('--plain', 'lines in and out instead of the live screen')
    .option('--report', 'print how far judge and labels agree')
    .option('--json', 'with --report: as JSON')
    .action(async (run: string, flags) => {
      const { labelCommand } = await import('../commands/label.ts')
      finish(await labelCommand(run, flags))
    })
}
