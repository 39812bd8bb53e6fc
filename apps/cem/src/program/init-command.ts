import { type Command, Option } from 'commander'
import { positiveInteger } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addInitCommand(program: Command, finish: Finish): void {
  program
    .command('init')
    .description('writes a commented config from the answers to a few questions')
    .argument('[file]', 'the config to write', 'experiment.yaml')
    .option('--base-model <model>', 'model folder or hub id')
    .option('--variants <folders...>', 'training folders with checkpoint-<step> folders')
    .option('--in-domain <questions>', 'finance, medicine, sports, none, or a questions file')
    .addOption(
      new Option(
        '--persona-at-inference <option>',
        'what runs beside adapters that were trained on top of a persona',
      ).choices(['as-trained', 'on', 'off', 'both', 'source-faithful']),
    )
    .option('--judge-model <name>', "the judge's model")
    .addOption(
      new Option('--judge-provider <name>', 'whose server it is').choices([
        'openai',
        'azure',
        'openrouter',
      ]),
    )
    .option('--judge-url <url>', "base URL of the judge's server")
    .option('--n-per-question <n>', 'answers to each question', positiveInteger)
    .option('--yes', 'ask nothing: flags, and defaults for the rest')
    .option('--force', 'replace the file where there is one')
    .action(async (file: string, flags) => {
      const { initCommand } = await import('../commands/init.ts')
      finish(await initCommand(file, flags))
    })
}
