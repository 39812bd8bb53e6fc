import { type ExportFormat, exportRun } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { runFolder } from '../run-folder.ts'

interface ExportFlags {
  readonly format: ExportFormat
  readonly results: string
  readonly output?: string
}

/** `cem export RUN --format FORMAT` */
export async function exportCommand(run: string, flags: ExportFlags): Promise<number> {
  const { format, output } = flags
  const { folder, files, nAnswers } = await exportRun({
    ...runFolder(run, flags.results),
    format,
    output,
  })
  const shown = files.slice(0, 4).map((file) => `wrote ${file}`)
  const more = files.length > 4 ? [`and ${files.length - 4} more files in ${folder}`] : []
  process.stdout.write(
    `${[...shown, ...more, `${nAnswers} answers; some may be harmful: ${folder} is ignored by git`].join('\n')}\n`,
  )
  return exitCodes.complete
}
