import { type Command, Option } from 'commander'
import { integers } from '../flag-values.ts'
import type { Finish } from './finish.ts'
import { providerOption, withJudgeFlags } from './shared-flags.ts'

export function addFileCommands(program: Command, finish: Finish): void {
  withJudgeFlags(
    program
      .command('judge')
      .description('has the answers of an eval CSV, or of an Inspect log, judged')
      .argument(
        '<file>',
        'a CSV with columns response, question, question_id; or a .json or .eval log',
      )
      .option('--output <csv>', 'where the scores go (default: <name>_judged.csv)')
      .option('--questions <file>', 'questions file whose rubrics are used'),
  ).action(async (csv: string, flags) => {
    const { judgeCommand } = await import('../commands/judge.ts')
    finish(await judgeCommand(csv, flags))
  })
  program
    .command('activations')
    .description('extracts the activations of texts: an eval CSV, a transcript, an Inspect log')
    .argument(
      '<file>',
      'a CSV with columns response, question; .jsonl or .json with messages; a .json or .eval log',
    )
    .requiredOption('--base-model <model>', 'model folder or hub id')
    .option('--adapter <folders...>', 'PEFT adapters that are active, in order of training')
    .option('--merge-first', 'merge the first adapter into the weights')
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--activation-layers <layers...>', 'only these layers', integers)
    .addOption(providerOption())
    .addOption(
      new Option('--span <span>', 'tokens that are averaged')
        .choices(['content', 'turn'])
        .default('content'),
    )
    .addOption(
      new Option(
        '--format <format>',
        'what the file is (default: by its ending and content)',
      ).choices(['csv', 'transcript', 'inspect']),
    )
    .option('--role <role>', 'whose messages are averaged', 'assistant')
    .addOption(
      new Option('--messages <which>', 'a row for the last message of the role, or for each')
        .choices(['last', 'all'])
        .default('last'),
    )
    .option('--leave-out-code', 'take no token of a fenced code block')
    .option('--system <text>', "system prompt of a CSV's rows, which it does not record")
    .option('--output <npz>', 'default: <name>_activations.npz')
    .action(async (file: string, flags) => {
      const { activationsCommand } = await import('../commands/activations.ts')
      finish(await activationsCommand(file, flags))
    })
  program
    .command('direction')
    .description('computes the misalignment direction from two activation sets')
    .requiredOption('--baseline-no-em <npz>', 'activations of the model without EM')
    .requiredOption('--baseline-with-em <npz>', 'activations of the model with EM')
    .option('--output <npz>', 'where it goes', 'results/misalignment_direction.npz')
    .action(async (flags) => {
      const { directionCommand } = await import('../commands/direction.ts')
      finish(await directionCommand(flags))
    })
}
