import { compareLines } from '../compare/compare-lines.ts'
import { compareRuns } from '../compare/compare-runs.ts'
import { exitCodes } from '../exit-codes.ts'
import { runFolder } from '../run-folder.ts'

/** `cem compare RUN RUN` */
export async function compareCommand(
  run: string,
  other: string,
  { results, json }: { readonly results: string; readonly json?: boolean },
): Promise<number> {
  const comparison = await compareRuns(runFolder(run, results), runFolder(other, results))
  const text =
    json === true ? JSON.stringify(comparison, null, 2) : compareLines(comparison).join('\n')
  process.stdout.write(`${text}\n`)
  return exitCodes.complete
}
