import type { Command } from 'commander'
import { integer, positiveInteger } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addServeCommand(program: Command, finish: Finish): void {
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
      const { serveCommand } = await import('../commands/serve.ts')
      finish(await serveCommand(model, flags))
    })
}
