import { type Command, Option } from 'commander'
import { integer, integers, positiveInteger } from '../flag-values.ts'

/** Flags of every command that evaluates a model, with the Python pipeline's names. */
export function withSamplingFlags(command: Command): Command {
  return command
    .option('--n-per-question <n>', 'answers to each question', positiveInteger)
    .option('--seed <n>', 'seed of the noise', integer)
    .option('--max-new-tokens <n>', 'longest answer, in tokens', positiveInteger)
    .addOption(providerOption())
    .option('--gpu <n>', 'which of several NVIDIA GPUs, from 0 (with --provider cuda)', integer)
    .addOption(precisionOption())
    .option('--activation-layers <layers...>', 'only these layers', integers)
    .option('--extract-activations', 'gather activations (the default)')
    .option('--no-activations', 'gather none')
    .option('--results <folder>', 'where results go (default: results)')
    .option('--plain', 'plain lines instead of the live screen')
    .option('--json', 'one JSON object a line')
    .addOption(themeOption())
    .option('--resume', 'go on with what is there (always done)')
}

export function providerOption(): Option {
  return new Option('--provider <provider>', 'what models run on (default: auto)').choices([
    'auto',
    'cpu',
    'cuda',
    'webgpu',
    'coreml',
    'directml',
  ])
}

export function precisionOption(): Option {
  return new Option(
    '--precision <precision>',
    'f32, or int8: weights rounded to 8 bits, with the drift measured',
  ).choices(['f32', 'int8'])
}

export function withJudgeFlags(command: Command): Command {
  return command
    .option('--judge-model <name>', "the judge's model")
    .addOption(
      new Option('--judge-provider <name>', 'whose server it is (default: openai)').choices([
        'openai',
        'azure',
        'openrouter',
      ]),
    )
    .option('--protocol <name>', 'logprob-0-100, text-score, ..., or a YAML file')
    .option('--judge-url <url>', "base URL of the judge's server")
    .option('--api-key-variable <name>', 'environment variable that holds its key')
    .option('--concurrency <n>', 'judge calls at once', positiveInteger)
}

export function themeOption(): Option {
  return new Option(
    '--theme <theme>',
    "colours of the live screen (default: the terminal's)",
  ).choices(['dark', 'light'])
}
