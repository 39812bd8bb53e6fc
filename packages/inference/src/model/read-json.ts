import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/**
 * Reads a JSON file of at most 64 MiB (a tokenizer.json of a large vocabulary has about 12).
 *
 * @throws CemError `file-not-found`, `json-invalid`
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readOptionalText(path)
  if (text === undefined)
    throw new CemError({
      code: 'file-not-found',
      message: `There is no file ${path}.`,
      data: { path },
    })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CemError({
      code: 'json-invalid',
      message: `${path} is not valid JSON: ${messageOf(error)}. Fetch it again.`,
      data: { path },
      cause: error,
    })
  }
}

/** A JSON file, or undefined where there is none. */
export async function readOptionalJson(path: string): Promise<unknown> {
  return (await readOptionalText(path)) === undefined ? undefined : readJson(path)
}

const maxBytes = 64 * 2 ** 20

/** A text file, or undefined where there is none. */
export async function readOptionalText(path: string): Promise<string | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CemError({
      code: 'file-read-failed',
      message: `Could not read ${path}: ${messageOf(error)}.`,
      data: { path },
      cause: error,
    })
  }
  if (bytes.byteLength > maxBytes)
    throw new CemError({
      code: 'json-invalid',
      message: `${path} has ${bytes.byteLength} bytes, more than the ${maxBytes} that a file of its kind may have.`,
      data: { path, sizeBytes: bytes.byteLength },
    })
  return bytes.toString('utf8')
}
