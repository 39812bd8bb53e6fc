import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'
import { parse } from 'yaml'

/**
 * Reads a YAML file as plain data, merge keys and anchors resolved.
 *
 * @throws CemError `config-unreadable`, `config-invalid`
 */
export async function readYamlConfig(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new CemError({
      code: 'config-unreadable',
      message: `The config ${file} cannot be read: ${messageOf(error)}.`,
      data: { file },
      cause: error,
    })
  }
  try {
    return parse(text, { merge: true, maxAliasCount: 1000 })
  } catch (error) {
    const problem = `it is no valid YAML: ${messageOf(error)}`
    throw new CemError({
      code: 'config-invalid',
      message: `${file} is not valid:\n- ${problem}`,
      data: { file, problems: [problem] },
      cause: error,
    })
  }
}
