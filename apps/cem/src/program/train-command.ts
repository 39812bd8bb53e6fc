import type { Command } from 'commander'
import { positiveInteger } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addTrainCommand(program: Command, finish: Finish): void {
  program
    .command('train')
    .description('trains adapters and small models from a YAML file, or what is left of it')
    .argument('<config>', 'a YAML file with trainings')
    .option(
      '--plan',
      'only say what it takes: steps, tokens, sizes, and the time from one step here',
    )
    .option('--no-probe', 'with --plan: do not make that step')
    .option('--only <names...>', 'only these trainings')
    .option('--restart-changed', 'train anew what other settings or data were begun with')
    .option('--threads <n>', 'threads of the runtime (default: all)', positiveInteger)
    .option('--no-run', 'do not go on with the experiment that the file names')
    .option('--json', 'one JSON object a line')
    .action(async (config: string, flags) => {
      const { trainCommand } = await import('../commands/train.ts')
      finish(await trainCommand(config, flags))
    })
}
