import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/**
 * A JSON file of the store, or undefined where there is none.
 *
 * @throws CemError `store-damaged`
 */
export async function readOptionalJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CemError({
      code: 'store-damaged',
      message: `${path} is not valid JSON: ${messageOf(error)}. It was changed from outside; move it away to compute it again.`,
      data: { path },
      cause: error,
    })
  }
}
