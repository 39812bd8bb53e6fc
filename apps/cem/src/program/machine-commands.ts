import type { Command } from 'commander'
import type { Finish } from './finish.ts'
import { precisionOption, providerOption } from './shared-flags.ts'

export function addMachineCommands(program: Command, finish: Finish): void {
  program
    .command('doctor')
    .description('says what this machine has for running models, and what is missing')
    .argument('[model]', 'model folder or hub id, whose memory is estimated')
    .addOption(providerOption())
    .action(async (model: string | undefined, flags) => {
      const { doctorCommand } = await import('../commands/doctor.ts')
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
      const { driftCommand } = await import('../commands/drift.ts')
      finish(await driftCommand(model, flags))
    })
}
