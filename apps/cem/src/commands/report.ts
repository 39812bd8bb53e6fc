import { collectReport, writeReport } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { runFolder } from '../run-folder.ts'

interface ReportFlags {
  readonly results: string
  readonly json?: boolean
}

/** `cem report RUN` */
export async function reportCommand(run: string, flags: ReportFlags): Promise<number> {
  const name = runFolder(run, flags.results)
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(await collectReport(name))}\n`)
    return exitCodes.complete
  }
  const { html, markdown, nAlarms, nNotes } = await writeReport(name)
  process.stdout.write(
    `wrote ${html}\nwrote ${markdown}\n${nAlarms} alarms and ${nNotes} notes stand at its top\n`,
  )
  return exitCodes.complete
}
