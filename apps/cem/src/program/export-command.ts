import { type Command, Option } from 'commander'
import type { Finish } from './finish.ts'

export function addExportCommand(program: Command, finish: Finish): void {
  program
    .command('export')
    .description("writes a run's answers and numbers for other programs")
    .argument('<run>', 'name of the run, or its folder')
    .addOption(
      new Option('--format <format>', 'what to write')
        .choices(['jsonl', 'csv', 'npz', 'inspect'])
        .makeOptionMandatory(),
    )
    .option('--results <folder>', 'where results are', 'results')
    .option('--output <folder>', 'where it goes (default: export_<run>_<format> in the results)')
    .addHelpText(
      'after',
      '\nExamples:\n  cem export my --format csv          answers.csv, metrics.csv, comparisons.csv\n  cem export my --format inspect      then: inspect view --log-dir results/export_my_inspect',
    )
    .action(async (run: string, flags) => {
      const { exportCommand } = await import('../commands/export.ts')
      finish(await exportCommand(run, flags))
    })
}
