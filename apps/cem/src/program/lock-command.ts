import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addLockCommand(program: Command, finish: Finish): void {
  program
    .command('lock')
    .description(
      'writes down what a study depends on, for cem run --frozen; without a config, of the miniature',
    )
    .argument('[config]', 'a YAML file')
    .option('--check', 'write nothing; fail with a list of what moved since it was locked')
    .option('--ask-judge', 'ask the judge which model answers, and lock that too (a few calls)')
    .option('--lock-file <file>', 'default: <config>.lock.json')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  cem lock study.yaml              hashes and versions to study.lock.json: commit it
  cem lock study.yaml --check      what has moved since
  cem run study.yaml --frozen      runs only where nothing has`,
    )
    .action(async (config: string | undefined, flags) => {
      const { lockCommand } = await import('../commands/lock.ts')
      finish(await lockCommand(config, flags))
    })
}
