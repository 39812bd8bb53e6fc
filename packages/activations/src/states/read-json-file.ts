import { readFile } from 'node:fs/promises'
import { messageOf } from '@cem/core'
import { tokenStatesInvalid } from './token-states-index.ts'

/**
 * A JSON file; undefined where there is none.
 *
 * @throws CemError `token-states-invalid` where it cannot be read
 */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw tokenStatesInvalid(path, `it cannot be read (${messageOf(error)})`, error)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw tokenStatesInvalid(path, `it is not valid JSON (${messageOf(error)})`, error)
  }
}
