import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addBundleCommand(program: Command, finish: Finish): void {
  const bundle = program
    .command('bundle')
    .description(
      "packs a run's ledgers, lock, projections and report, without weights, into one locked zip file",
    )
    .argument('[run]', 'name of the run, or its folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--output <zip>', 'the file (default: bundle_<run>.zip in the results)')
    .option('--activations', 'pack the activations too')
    .option('--password-variable <name>', passwordHelp)
    .addHelpText(
      'after',
      '\nExamples:\n  cem bundle my\n  cem bundle verify bundle_my.zip\n  cem bundle verify bundle_my.zip --into results     then: cem report my',
    )
    .action(async (run: string | undefined, flags) => {
      const { bundleCommand } = await import('../commands/bundle.ts')
      finish(await bundleCommand(run, flags))
    })
  bundle
    .command('verify')
    .description('checks hashes and scores of a bundle, and makes its analysis anew')
    .argument('<zip>', 'the file')
    .option('--into <folder>', 'leave the files in this results folder')
    .option('--password-variable <name>', passwordHelp)
    .option('--json', 'what was checked as one JSON object')
    .action(async (path: string, _flags, command: Command) => {
      const { verifyBundleCommand } = await import('../commands/bundle.ts')
      // The command above takes the flags that both have, wherever they stand.
      finish(await verifyBundleCommand(path, command.optsWithGlobals()))
    })
}

const passwordHelp =
  'environment variable with the password (default: misaligned-organism, which everybody knows)'
