import { createRequire } from 'node:module'
import { Command } from 'commander'
import { addBundleCommand } from './bundle-command.ts'
import { addCharacterCommands } from './character-command.ts'
import { addCompareCommand } from './compare-command.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addCorpusCommands } from './corpus-commands.ts'
import { addExamples, examples } from './examples.ts'
import { addExportCommand } from './export-command.ts'
import { addFileCommands } from './file-commands.ts'
import type { Finish } from './finish.ts'
import { addImportCommand } from './import-command.ts'
import { addInitCommand } from './init-command.ts'
import { addLabelCommand } from './label-command.ts'
import { addLockCommand } from './lock-command.ts'
import { addMachineCommands } from './machine-commands.ts'
import { addMergeCommand } from './merge-command.ts'
import { addPlanCommand } from './plan-command.ts'
import { addPlotCommands } from './plot-commands.ts'
import { addPullCommand } from './pull-command.ts'
import { addReportCommand } from './report-command.ts'
import { addRunCommands } from './run-commands.ts'
import { addSchemaCommand } from './schema-command.ts'
import { addServeCommand } from './serve-command.ts'
import { addTrainCommand } from './train-command.ts'
import { addWatchCommand } from './watch-command.ts'

/** In the order of the help. Definitions only: what a command does is imported when it is called. */
const parts = [
  addInitCommand,
  addRunCommands,
  addPlanCommand,
  addLockCommand,
  addWatchCommand,
  addCompareCommand,
  addLabelCommand,
  addCharacterCommands,
  addFileCommands,
  addPlotCommands,
  addReportCommand,
  addImportCommand,
  addTrainCommand,
  addCorpusCommands,
  addExportCommand,
  addBundleCommand,
  addMergeCommand,
  addPullCommand,
  addServeCommand,
  addMachineCommands,
  addSchemaCommand,
  addCompletionCommand,
]

/** The `cem` command line. */
export function makeProgram(finish: Finish): Command {
  // From src/program and from dist alike.
  const root = import.meta.url.endsWith('.ts') ? '../..' : '..'
  const { version } = createRequire(import.meta.url)(`${root}/package.json`) as { version: string }
  const program = new Command('cem')
    .description(
      'Does character training protect a language model from emergent misalignment? Runs whole persona x checkpoint experiments.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', examples)
  for (const add of parts) add(program, finish)
  addExamples(program)
  return program
}
