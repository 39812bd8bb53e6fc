import { type Command, Option } from 'commander'
import { positiveInteger, shard, usd } from '../flag-values.ts'
import type { Finish } from './finish.ts'
import { withJudgeFlags, withSamplingFlags } from './shared-flags.ts'

export function addRunCommands(program: Command, finish: Finish): void {
  withSamplingFlags(
    program
      .command('run')
      .description('runs an experiment, or what is left of it; without a config, the miniature')
      .argument('[config]', 'a YAML file'),
  )
    .addOption(
      new Option('--phase <phase>', 'only this phase').choices(['generate', 'judge', 'analyse']),
    )
    .option('--shard <i/n>', 'only the i-th of n parts of the variants', shard)
    .option('--frozen', 'only where everything is as cem lock wrote it down')
    .option('--lock-file <file>', 'implies --frozen (default: <config>.lock.json)')
    .option('--restart-changed', 'compute anew what a change of config or weights affects')
    .option('--save-steps <n>', 'only checkpoints at multiples of n', positiveInteger)
    .option('--skip-initial', 'leave out step 0')
    .option('--max-cost-usd <usd>', 'judging ends before the run has spent more than this', usd)
    .option('--yes', 'judge without asking, whatever it is estimated to cost')
    .option(
      '--no-figures',
      'draw nothing and write no report: cem plot run and cem report do so later',
    )
    .action(async (config: string | undefined, flags) => {
      const [{ runCommand }, { overridesOf }] = await Promise.all([
        import('../commands/run.ts'),
        import('../flag-overrides.ts'),
      ])
      finish(await runCommand(config, { ...flags, overrides: overridesOf(flags) }))
    })
  withJudgeFlags(
    withSamplingFlags(
      program
        .command('evaluate-checkpoints')
        .description('evaluates every checkpoint of one training folder')
        .requiredOption('--model-dir <folder>', 'folder with checkpoint-<step> folders')
        .requiredOption('--base-model <model>', 'model folder or hub id'),
    ),
  )
    .option('--questions <files...>', 'questions files')
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--persona-at-inference <option>', 'as-trained, on, off, both or source-faithful')
    .option('--save-steps <n>', 'only checkpoints at multiples of n', positiveInteger)
    .option('--skip-initial', 'leave out step 0')
    .action(async (flags) => {
      const { evaluateCheckpoints } = await import('../commands/evaluate.ts')
      finish(await evaluateCheckpoints(flags))
    })
  withJudgeFlags(
    withSamplingFlags(
      program
        .command('evaluate-base')
        .description('evaluates a base model alone')
        .requiredOption('--base-model <model>', 'model folder or hub id')
        .option('--output-name <name>', 'name of its results', 'base'),
    ),
  )
    .option('--questions <files...>', 'questions files')
    .action(async (flags) => {
      const { evaluateBase } = await import('../commands/evaluate.ts')
      finish(await evaluateBase(flags))
    })
}
