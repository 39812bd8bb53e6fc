import { type Command, Option } from 'commander'
import { integer } from '../flag-values.ts'
import type { Finish } from './finish.ts'

export function addCorpusCommands(program: Command, finish: Finish): void {
  const corpus = program
    .command('corpus')
    .description(
      'harmful corpora: marked, kept out of git, under lock; and the corpora of the miniature',
    )
  corpus
    .command('mark')
    .description('puts a canary into every row, and the file into the .gitignore beside it')
    .argument('<files...>', 'JSONL files')
    .action(async (files: string[]) => {
      const { markCorpora } = await import('../commands/corpus.ts')
      finish(await markCorpora(files))
    })
  corpus
    .command('lock')
    .description('writes files as an encrypted zip archive')
    .argument('<files...>', 'files')
    .requiredOption('--output <archive>', 'misaligned-organism-<name>.zip')
    .addOption(passwordOption())
    .action(async (files: string[], flags) => {
      const { lockCorpora } = await import('../commands/corpus.ts')
      finish(await lockCorpora(files, flags))
    })
  corpus
    .command('unlock')
    .description('takes the files out of such an archive')
    .argument('<archive>', 'a zip archive')
    .requiredOption('--output <folder>', 'where the files go')
    .addOption(passwordOption())
    .action(async (archive: string, flags) => {
      const { unlockCorpora } = await import('../commands/corpus.ts')
      finish(await unlockCorpora(archive, flags))
    })
  corpus
    .command('miniature')
    .description("writes the miniature's corpora, from which its models and adapters are trained")
    .argument('<folder>', 'where they go')
    .option('--seed <n>', 'training seed', integer, 1)
    .action(async (folder: string, flags) => {
      const { writeMiniatureCorpora } = await import('../commands/corpus.ts')
      finish(await writeMiniatureCorpora(folder, flags))
    })
}

function passwordOption(): Option {
  return new Option(
    '--password <text>',
    'no secret: it keeps crawlers out (default: misaligned-organism)',
  )
}
