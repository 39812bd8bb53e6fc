import { readFile, stat } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/** 16 MiB: the largest questions files in use are below 1. */
export const mostBytes = 2 ** 24

export interface SmallTextOptions {
  /** What messages call the file. */
  readonly what: string
  /** The code of the error where it cannot be read. */
  readonly unreadable: string
  readonly tooLarge: (path: string) => CemError
}

/** A file's text: UTF-8, of at most `mostBytes`. @throws CemError of the codes in the options */
export async function readSmallText(
  path: string,
  { what, unreadable, tooLarge }: SmallTextOptions,
): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > mostBytes) throw tooLarge(path)
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (CemError.isInstance(error)) throw error
    const reason = error instanceof TypeError ? 'it is not UTF-8' : messageOf(error)
    throw new CemError({
      code: unreadable,
      message: `The ${what} ${path} cannot be read: ${reason}.`,
      data: { file: path },
      cause: error,
    })
  }
}
