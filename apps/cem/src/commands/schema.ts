import { writeFileAtomic } from '@cem/core'
import { configJsonSchema } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'

/** `cem schema`: the JSON Schema of a config. */
export async function schemaCommand({ output }: { readonly output?: string }): Promise<number> {
  const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`
  if (output === undefined) {
    process.stdout.write(text)
    return exitCodes.complete
  }
  await writeFileAtomic(output, text)
  process.stdout.write(
    `wrote ${output}; a config's first line refers to it: # yaml-language-server: $schema=${output}\n`,
  )
  return exitCodes.complete
}
