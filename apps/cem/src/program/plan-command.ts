import type { Command } from 'commander'
import { positiveInteger, shareFlag } from '../flag-values.ts'
import type { Finish } from './finish.ts'
import { precisionOption, providerOption } from './shared-flags.ts'

export function addPlanCommand(program: Command, finish: Finish): void {
  program
    .command('plan')
    .description(
      'says before a run what it takes and what its tests can show, and of trainings their steps, memory and time; without a config, of the miniature',
    )
    .argument('[config]', 'a YAML file of an experiment or of trainings')
    .option('--from <run>', 'a run, or its folder, for variance, lengths of answers and speed')
    .option(
      '--probe',
      'load the base and measure how fast it answers here (trainings: the default)',
    )
    .option('--no-probe', 'trainings: do not make a step to measure it')
    .option('--difference <share>', 'a difference in EM share that must not be missed', shareFlag)
    .option('--margin <share>', 'margin of equivalence (analysis.equivalenceMargin)', shareFlag)
    .option('--n-per-question <n>', 'answers to each question', positiveInteger)
    .option('--max-new-tokens <n>', 'longest answer, in tokens', positiveInteger)
    .addOption(providerOption())
    .addOption(precisionOption())
    .option('--save-steps <n>', 'only checkpoints at multiples of n', positiveInteger)
    .option('--skip-initial', 'leave out step 0')
    .option('--results <folder>', 'where results are (default: results)')
    .option('--json', 'the whole plan as JSON')
    .action(async (config: string | undefined, flags) => {
      const { planCommand } = await import('../commands/plan.ts')
      finish(await planCommand(config, flags))
    })
}
