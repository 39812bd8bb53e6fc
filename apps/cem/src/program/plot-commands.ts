import { type Command, Option } from 'commander'
import { figureWidth, integer, positiveInteger } from '../flag-values.ts'
import type { Finish } from './finish.ts'

/** Figures of a run that have a command of their own, and what they show. */
const runFigures = [
  ['forest', 'differences to the baseline with intervals and the margin of equivalence'],
  ['in-domain', 'EM against what was trained, at matched rates'],
  ['answers', 'every answer of the last checkpoints by both scores'],
  ['questions', 'EM rates question by question'],
  ['projection-forest', 'how much less than the baseline projections rise'],
  ['similarity', 'whether variants move the same way: cosines of their displacements'],
  ['components', 'checkpoints on two principal components'],
  ['steering', 'what changes along the direction do, by strength'],
] as const

export function addPlotCommands(program: Command, finish: Finish): void {
  const plot = program.command('plot').description('draws figures from result files')
  withLook(
    plot
      .command('curves')
      .description('EM curves of variants, from their eval CSVs')
      .option('--variants <names...>', 'default: all in the results folder'),
  )
    .option('--output <file>', 'a .png or .svg file (default: em_curves.png there)')
    .action(async (flags) => {
      const { plotCurvesCommand } = await import('../commands/plot.ts')
      finish(await plotCurvesCommand(flags))
    })
  withLook(
    plot
      .command('projections')
      .description('projection curves, from activation sets and a direction')
      .requiredOption('--direction <npz>', 'the direction')
      .option('--variants <names...>', 'default: all in the results folder')
      .option('--base-model-activations <npz>', 'drawn as a reference line')
      .option('--layer <n>', 'one layer', integer)
      .option('--all-layers', 'all layers as a grid'),
  )
    .option('--output <file>', 'a .png or .svg file')
    .action(async (flags) => {
      const { plotProjectionsCommand } = await import('../commands/plot.ts')
      finish(await plotProjectionsCommand(flags))
    })
  withOutput(
    plot.command('run').argument('<run>', 'name of the run, or its folder'),
    'every figure that a run has the data for, drawn again from its results',
  ).action(async (run: string, flags) => {
    const { plotRunCommand } = await import('../commands/plot-run.ts')
    finish(await plotRunCommand(run, undefined, flags))
  })
  for (const [kind, description] of runFigures)
    withOutput(
      plot.command(kind).argument('<run>', 'name of the run, or its folder'),
      description,
    ).action(async (run: string, flags) => {
      const { plotRunCommand } = await import('../commands/plot-run.ts')
      finish(await plotRunCommand(run, kind, flags))
    })
  withOutput(
    plot.command('agreement').argument('<run>', 'name of the run, or its folder'),
    'how far the judge agrees with the labels of `cem label`',
  )
    .option('--labeller <name>', 'whose labels')
    .action(async (run: string, flags) => {
      const { plotAgreementCommand } = await import('../commands/plot-run.ts')
      finish(await plotAgreementCommand(run, flags))
    })
  withOutput(
    plot.command('lora').argument('<folders...>', 'a run, or training runs: outputs/<variant>'),
    'norms, local cosines and turning points of adapters over their checkpoints',
  ).action(async (folders: string[], flags) => {
    const { plotLoraCommand } = await import('../commands/plot-run.ts')
    finish(await plotLoraCommand(folders, flags))
  })
  withOutput(
    plot.command('tokens').argument('<run>', 'name of the run, or its folder'),
    'one draw of several checkpoints, each token on the colour of its projection; loads their models',
  )
    .option('--cells <ids...>', 'variant/step (default: the last checkpoint of each variant)')
    .option('--question <id>', "which question (default: that of the baseline's worst answer)")
    .option('--sample <n>', 'which draw of it (default: the worst one)', integer)
    .action(async (run: string, flags) => {
      const { plotTokensCommand } = await import('../commands/plot-tokens.ts')
      finish(await plotTokensCommand(run, flags))
    })
  withOutput(
    plot
      .command('rows')
      .argument('<figure>', 'tokens, forest, ...: a wrong name lists them')
      .argument('<file>', 'rows as JSON or JSONL, as the README of @cem/plots has them'),
    'any figure from rows of your own',
  )
    .option('--options <json>', 'further options of the figure: \'{"margin": 10}\'')
    .action(async (figure: string, file: string, flags) => {
      const { plotRowsCommand } = await import('../commands/plot-rows.ts')
      finish(await plotRowsCommand(figure, file, flags))
    })
}

function withLook(command: Command): Command {
  return command
    .option('--results <folder>', 'where results are', 'results')
    .addOption(new Option('--theme <theme>', 'ground of the figure').choices(['light', 'dark']))
    .option(
      '--width <width>',
      "a paper's single column, its text or both columns (double), or px (default: double)",
      figureWidth,
    )
}

function withOutput(command: Command, description: string): Command {
  return withLook(command.description(description))
    .option(
      '--output <path>',
      'a .png, .svg or .vl.json file, or a folder (default: the results folder)',
    )
    .option('--terminal', 'print it here instead of writing files')
    .option('--columns <n>', 'with --terminal: how wide (default: the terminal)', positiveInteger)
}
