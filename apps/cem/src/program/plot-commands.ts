import type { Command } from 'commander'
import { integer } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addPlotCommands(program: Command, finish: Finish): void {
  const plot = program.command('plot').description('draws figures from result files')
  plot
    .command('curves')
    .description('EM curves of variants, from their eval CSVs')
    .option('--variants <names...>', 'default: all in the results folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--output <file>', 'a .png or .svg file (default: em_curves.png there)')
    .action(async (flags) => {
      const { plotCurvesCommand } = await import('../commands/plot.ts')
      finish(await plotCurvesCommand(flags))
    })
  plot
    .command('projections')
    .description('projection curves, from activation sets and a direction')
    .requiredOption('--direction <npz>', 'the direction')
    .option('--variants <names...>', 'default: all in the results folder')
    .option('--base-model-activations <npz>', 'drawn as a reference line')
    .option('--layer <n>', 'one layer', integer)
    .option('--all-layers', 'all layers as a grid')
    .option('--results <folder>', 'where results are', 'results')
    .option('--output <file>', 'a .png or .svg file')
    .action(async (flags) => {
      const { plotProjectionsCommand } = await import('../commands/plot.ts')
      finish(await plotProjectionsCommand(flags))
    })
}
