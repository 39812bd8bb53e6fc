import { type Command, Option } from 'commander'
import { numbers } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addMergeCommand(program: Command, finish: Finish): void {
  program
    .command('merge')
    .description('merges adapters into a base, and writes a model folder that Transformers loads')
    .argument('<base>', 'model folder or hub id')
    .requiredOption(
      '--adapter <folders...>',
      'PEFT adapters, in the order in which they are merged',
    )
    .requiredOption(
      '--output <folder>',
      "the folder to make; a misaligned organism's name begins with misaligned-organism",
    )
    .option('--weight <numbers...>', "what each adapter's change is multiplied by", numbers)
    .addOption(
      new Option('--role <roles...>', 'what each adapter is').choices(['persona', 'em', 'control']),
    )
    .addOption(
      new Option('--dtype <type>', "type of all weights (default: as in the base's files)").choices(
        ['F32', 'F16', 'BF16'],
      ),
    )
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--no-check', 'do not load the written model to hold it against base and adapters')
    .action(async (base: string, flags) => {
      const { mergeCommand } = await import('../commands/merge.ts')
      finish(await mergeCommand(base, flags))
    })
}
