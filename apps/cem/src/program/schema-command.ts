import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addSchemaCommand(program: Command, finish: Finish): void {
  program
    .command('schema')
    .description('prints the JSON Schema of a config, for editors')
    .option('--output <file>', 'write it there instead')
    .action(async (flags: { output?: string }) => {
      const { schemaCommand } = await import('../commands/schema.ts')
      finish(await schemaCommand(flags))
    })
}
