import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/**
 * The records of a file that `JsonLinesWriter` wrote; none where there is no file. A last line without its line break was being written when its
 * process was killed, and is left out.
 *
 * @throws CemError `store-damaged` where another line is no JSON
 */
export async function readJsonLines<T>(path: string): Promise<T[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n')
  lines.pop()
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as T
    } catch (error) {
      throw new CemError({
        code: 'store-damaged',
        message: `Line ${i + 1} of ${path} is no JSON record: ${messageOf(error)}. The file was changed from outside; restore it, or move it away to compute its records again.`,
        data: { path, line: i + 1 },
      })
    }
  })
}
