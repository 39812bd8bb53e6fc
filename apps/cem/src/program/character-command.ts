import { type Command, Option } from 'commander'
import { positiveInteger, usd } from '../flag-values.ts'
import type { Finish } from './finish.ts'
import { themeOption } from './shared-flags.ts'

const stages = ['expand', 'teacher', 'student', 'pairs', 'reflection', 'interaction', 'sft']

export function addCharacterCommands(program: Command, finish: Finish): void {
  const character = program
    .command('character')
    .description(
      'makes the data that a character is trained on, from a constitution; see also show',
    )
    .argument('<config>', 'a YAML file')
    .addOption(new Option('--stage <stages...>', 'only these stages').choices(stages))
    .option('--only-plan', 'say what it would ask for and cost, and ask nothing')
    .option('--max-cost-usd <usd>', 'it ends before more is spent than this, in all sessions', usd)
    .option('--output <folder>', "in place of the config's")
    .option(
      '--restart-changed',
      'make anew what was made from other inputs; what is there is moved aside',
    )
    .option('--inspect', 'look at the raw pairs that are there, and make nothing')
    .option('--yes', 'whatever it is estimated to cost')
    .option('--plain', 'with --inspect: plain lines instead of the live screen')
    .addOption(themeOption())
    .option('--json', 'one JSON object a line')
    .action(async (config: string, flags) => {
      const { characterCommand } = await import('../commands/character.ts')
      finish(await characterCommand(config, flags))
    })
  character
    .command('show')
    .description('shows the raw pairs of a folder of character data side by side')
    .argument('<folder>', 'where pairs.jsonl is')
    .option('--page <n>', 'print this page instead of the live screen', positiveInteger)
    .option('--per-page <n>', 'pairs on a printed page (default: 5)', positiveInteger)
    .option('--kept', 'only pairs that were kept')
    .option('--left-out', 'only pairs that were left out')
    .option('--reason <reason>', 'only pairs that were left out for this')
    .option('--trait <n>', 'only pairs for this trait, from 1', positiveInteger)
    .option('--width <columns>', "of printed lines (default: the terminal's)", positiveInteger)
    .option('--plain', 'plain lines instead of the live screen')
    .addOption(themeOption())
    .action(async (folder: string, _, command: Command) => {
      const { showPairs } = await import('../commands/character-show.ts')
      // What the command above has too (--json, --plain, --theme), it takes first.
      finish(await showPairs(folder, command.optsWithGlobals()))
    })
  character
    .command('check')
    .description('reads a constitution and says what it holds, or every problem with its line')
    .argument('<file>', 'a file, or the name of a constitution that comes with the program')
    .action(async (file: string) => {
      const { checkConstitution } = await import('../commands/character-check.ts')
      finish(await checkConstitution(file))
    })
  program
    .command('reflect')
    .description("lengthens a data set's conversations by a persona's assessment of each answer")
    .argument('<config>', 'a YAML file')
    .option('--max-cost-usd <usd>', 'it ends before more is spent than this, in all sessions', usd)
    .option('--output <folder>', "in place of the config's")
    .option(
      '--restart-changed',
      'make anew what was made from other inputs; what is there is moved aside',
    )
    .option('--json', 'one JSON object a line')
    .action(async (config: string, flags) => {
      const { reflectCommand } = await import('../commands/reflect.ts')
      finish(await reflectCommand(config, flags))
    })
}
