#!/usr/bin/env node
import { createRequire } from 'node:module'
import { CemError } from '@cem/core'
import { Command, CommanderError, Option } from 'commander'
import { exitCodes } from './exit-codes.ts'
import {
  integer,
  integers,
  numbers,
  positiveInteger,
  shard,
  shareFlag,
  stepOrAll,
  usd,
} from './flag-values.ts'

// Commands are imported when they are called: `cem --help` loads nothing of them.

async function main(): Promise<number> {
  if (!('groupBy' in Map)) {
    process.stderr.write(`error: cem needs Node 22.18 or newer, and this is ${process.version}.\n`)
    return exitCodes.failed
  }
  // React takes its development build otherwise, which checks and records more than a screen needs.
  process.env['NODE_ENV'] ??= 'production'
  try {
    process.loadEnvFile()
  } catch {
    // No .env file here.
  }
  let code: number = exitCodes.complete
  const program = makeProgram((result) => {
    code = result
  })
  try {
    await program.parseAsync()
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    process.stderr.write(`${describe(error)}\n`)
    return exitCodes.failed
  }
}

/** An error of ours says all that a user needs; anything else is a bug, and its stack is wanted. */
function describe(error: unknown): string {
  if (CemError.isInstance(error)) return `error: ${error.message} [${error.code}]`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function makeProgram(finish: (code: number) => void): Command {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
  const program = new Command('cem')
    .description(
      'Does character training protect a language model from emergent misalignment? Runs whole persona x checkpoint experiments.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', examples)
  addRunCommands(program, finish)
  addPlanCommand(program, finish)
  addFileCommands(program, finish)
  addServeCommand(program, finish)
  addLabelCommand(program, finish)
  program
    .command('pull')
    .description("fetches a model or an adapter from the Hugging Face hub into the hub's cache")
    .argument('<model>', 'ORG/NAME, or ORG/NAME@REVISION')
    .option('--all', 'every file, not only what running it takes')
    .action(async (model: string, flags) => {
      const { pullCommand } = await import('./commands/pull.ts')
      finish(await pullCommand(model, flags))
    })
  program
    .command('doctor')
    .description('says what this machine has for running models, and what is missing')
    .argument('[model]', 'model folder or hub id, whose memory is estimated')
    .addOption(providerOption())
    .action(async (model: string | undefined, flags) => {
      const { doctorCommand } = await import('./commands/doctor.ts')
      finish(await doctorCommand(model, flags))
    })
  program
    .command('drift')
    .description('measures what a precision changes against 32-bit floats, on fixed texts')
    .argument('<model>', 'model folder or hub id')
    .addOption(precisionOption().default('int8'))
    .option('--adapter <folders...>', 'PEFT adapters that are active, in order of training')
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--json', 'the whole report as JSON')
    .action(async (model: string, flags) => {
      const { driftCommand } = await import('./commands/drift.ts')
      finish(await driftCommand(model, flags))
    })
  return program
}

const examples = `
Examples:
  cem run                                 the miniature: a tiny real model that shows the effect, in minutes
  cem run configs/financial-7b.yaml       an experiment, or what is left of it
  cem plan configs/financial-7b.yaml      what it takes, and what its tests can show
  cem run my.yaml --phase generate        on a GPU node without network; then, elsewhere:
  cem run my.yaml --phase judge
  cem watch my                            a run of another process, through its folder
  cem label my                            labels a part of its answers by hand
  cem pull Qwen/Qwen2.5-7B-Instruct       from the hub; interrupted, the same command goes on
  cem serve Qwen/Qwen2.5-7B-Instruct --adapter warm=persona:outputs/warm/constitutional
  cem evaluate-checkpoints --base-model Qwen/Qwen2.5-7B-Instruct --model-dir outputs/qwen7b_financial_baseline

Exit codes: 0 complete, 1 failed, 2 wrong flags, 3 units remain with another process, 130 stopped (the same command goes on).`

/** Flags of every command that evaluates a model, with the Python pipeline's names. */
function withSamplingFlags(command: Command): Command {
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
    .option('--resume', 'go on with what is there (always done)')
}

function providerOption(): Option {
  return new Option('--provider <provider>', 'what models run on (default: auto)').choices([
    'auto',
    'cpu',
    'cuda',
    'webgpu',
    'coreml',
    'directml',
  ])
}

function precisionOption(): Option {
  return new Option(
    '--precision <precision>',
    'f32, or int8: weights rounded to 8 bits, with the drift measured',
  ).choices(['f32', 'int8'])
}

function withJudgeFlags(command: Command): Command {
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

function addRunCommands(program: Command, finish: (code: number) => void): void {
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
    .option('--restart-changed', 'compute anew what a change of config or weights affects')
    .option('--save-steps <n>', 'only checkpoints at multiples of n', positiveInteger)
    .option('--skip-initial', 'leave out step 0')
    .option('--max-cost-usd <usd>', 'judging ends before the run has spent more than this', usd)
    .option('--yes', 'judge without asking, whatever it is estimated to cost')
    .action(async (config: string | undefined, flags) => {
      const [{ runCommand }, { overridesOf }] = await Promise.all([
        import('./commands/run.ts'),
        import('./flag-overrides.ts'),
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
      const { evaluateCheckpoints } = await import('./commands/evaluate.ts')
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
      const { evaluateBase } = await import('./commands/evaluate.ts')
      finish(await evaluateBase(flags))
    })
  program
    .command('watch')
    .description('shows a run of another process or machine, through its folder')
    .argument('<run>', "a run's name, or its folder (results/.cem/<run>)")
    .option('--results <folder>', 'where results are', 'results')
    .option('--plain', 'plain lines instead of the live screen')
    .action(async (run: string, flags) => {
      const { watchCommand } = await import('./commands/watch.ts')
      finish(await watchCommand(run, flags))
    })
}

function addPlanCommand(program: Command, finish: (code: number) => void): void {
  program
    .command('plan')
    .description(
      'says before a run what it takes and what its tests can show; without a config, of the miniature',
    )
    .argument('[config]', 'a YAML file')
    .option('--from <run>', 'a run, or its folder, for variance, lengths of answers and speed')
    .option('--probe', 'load the base and measure how fast it answers here')
    .option('--difference <share>', 'a difference in EM share that must not be missed', shareFlag)
    .option('--margin <share>', 'margin of equivalence (analysis.equivalenceMargin)', shareFlag)
    .option('--n-per-question <n>', 'answers to each question', positiveInteger)
    .option('--max-new-tokens <n>', 'longest answer, in tokens', positiveInteger)
    .addOption(providerOption())
    .addOption(precisionOption())
    .option('--save-steps <n>', 'only checkpoints at multiples of n', positiveInteger)
    .option('--skip-initial', 'leave out step 0')
    .option('--results <folder>', 'where results are (default: results)')
    .option('--json', 'the whole plan as JSON')
    .action(async (config: string | undefined, flags) => {
      const { planCommand } = await import('./commands/plan.ts')
      finish(await planCommand(config, flags))
    })
}

function addFileCommands(program: Command, finish: (code: number) => void): void {
  withJudgeFlags(
    program
      .command('judge')
      .description('has the answers of an eval CSV judged')
      .argument('<csv>', 'with columns response, question, question_id')
      .option('--output <csv>', 'where the scores go (default: <name>_judged.csv)')
      .option('--questions <file>', 'questions file whose rubrics are used'),
  ).action(async (csv: string, flags) => {
    const { judgeCommand } = await import('./commands/judge.ts')
    finish(await judgeCommand(csv, flags))
  })
  program
    .command('activations')
    .description("extracts the activations of an eval CSV's answers (teacher forcing)")
    .argument('<csv>', 'with columns response, question, question_id')
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
    .option('--output <npz>', 'default: <name>_activations.npz')
    .action(async (csv: string, flags) => {
      const { activationsCommand } = await import('./commands/activations.ts')
      finish(await activationsCommand(csv, flags))
    })
  program
    .command('merge')
    .description('merges adapters into a base, and writes a model folder that Transformers loads')
    .argument('<base>', 'model folder or hub id')
    .requiredOption(
      '--adapter <folders...>',
      'PEFT adapters, in the order in which they are merged',
    )
    .requiredOption(
      '--output <folder>',
      "the folder to make; a misaligned organism's name begins with misaligned-organism",
    )
    .option('--weight <numbers...>', "what each adapter's change is multiplied by", numbers)
    .addOption(
      new Option('--role <roles...>', 'what each adapter is').choices(['persona', 'em', 'control']),
    )
    .addOption(
      new Option('--dtype <type>', "type of all weights (default: as in the base's files)").choices(
        ['F32', 'F16', 'BF16'],
      ),
    )
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--no-check', 'do not load the written model to hold it against base and adapters')
    .action(async (base: string, flags) => {
      const { mergeCommand } = await import('./commands/merge.ts')
      finish(await mergeCommand(base, flags))
    })
  program
    .command('direction')
    .description('computes the misalignment direction from two activation sets')
    .requiredOption('--baseline-no-em <npz>', 'activations of the model without EM')
    .requiredOption('--baseline-with-em <npz>', 'activations of the model with EM')
    .option('--output <npz>', 'where it goes', 'results/misalignment_direction.npz')
    .action(async (flags) => {
      const { directionCommand } = await import('./commands/direction.ts')
      finish(await directionCommand(flags))
    })
  const plot = program.command('plot').description('draws figures from result files')
  plot
    .command('curves')
    .description('EM curves of variants, from their eval CSVs')
    .option('--variants <names...>', 'default: all in the results folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--output <file>', 'a .png or .svg file (default: em_curves.png there)')
    .action(async (flags) => {
      const { plotCurvesCommand } = await import('./commands/plot.ts')
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
      const { plotProjectionsCommand } = await import('./commands/plot.ts')
      finish(await plotProjectionsCommand(flags))
    })
}

function addServeCommand(program: Command, finish: (code: number) => void): void {
  program
    .command('serve')
    .description('serves a model and its adapters as OpenAI chat completions and completions')
    .argument('<model>', 'model folder or hub id')
    .option(
      '--adapter <name=path...>',
      'PEFT adapters by name: NAME=PATH, NAME=em:PATH, stacked NAME=persona:PATH+em:PATH',
    )
    .option('--base-alias <names...>', 'other names of the base that adapters may carry')
    .option('--name <name>', "the base's own name in requests (default: hub id or folder)")
    .option('--host <address>', 'address to listen at', '127.0.0.1')
    .option('--port <n>', 'port to listen at; 0 takes a free one', integer, 8000)
    .option(
      '--api-key-variable <name>',
      'environment variable with the key that clients must send',
      'CEM_SERVE_API_KEY',
    )
    .option('--batch-size <n>', 'answers in progress at once', positiveInteger)
    .option('--max-tokens <n>', 'longest answer where a request does not say', positiveInteger)
    .option('--threads <n>', 'threads of the runtime', positiveInteger)
    .option('--quiet', 'no line for each request')
    .action(async (model: string, flags) => {
      const { serveCommand } = await import('./commands/serve.ts')
      finish(await serveCommand(model, flags))
    })
}

function addLabelCommand(program: Command, finish: (code: number) => void): void {
  program
    .command('label')
    .description(
      "labels a run's answers by hand, blinded and shuffled, to see how far its judge is right",
    )
    .argument('<run>', 'name of the run, or its folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--per-cell <n>', 'answers drawn from each cell (default: 25)', positiveInteger)
    .option('--seed <n>', 'seed of what is drawn (default: 0)', integer)
    .option(
      '--step <n>',
      'checkpoints to draw from: a step, or all (default: the last of each variant)',
      stepOrAll,
    )
    .option('--labeller <name>', 'who labels: each person has a file')
    .option('--plain', 'lines in and out instead of the live screen')
    .option('--report', 'print how far judge and labels agree')
    .option('--json', 'with --report: as JSON')
    .action(async (run: string, flags) => {
      const { labelCommand } = await import('./commands/label.ts')
      finish(await labelCommand(run, flags))
    })
}

process.exitCode = await main()
