import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addImportCommand(program: Command, finish: Finish): void {
  program
    .command('import')
    .description(
      "makes a run from the Python pipeline's results: rates, comparisons, direction, figures, report",
    )
    .argument('<folder>', 'its results folder, which stays as it is')
    .option('--results <folder>', 'where the run goes', 'imported')
    .option('--name <name>', "the run's name (default: imported_<folder>)")
    .option('--config <yaml>', 'its variant config: base, base_output_name, names and types')
    .option('--baseline <variant>', 'what differences and the direction start from')
    .option('--json', 'what was found as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  cem import results --config variants.yaml\n  cem import /old/results --baseline qwen7b_financial_baseline --name old\n\nWhat the files and the config do not say stays unknown.',
    )
    .action(async (folder: string, flags) => {
      const { importCommand } = await import('../commands/import.ts')
      finish(await importCommand(folder, flags))
    })
}
