import { z } from 'zod'
import { configSchema } from './schema.ts'

/** Where editors find the schema of the newest release. */
export const configSchemaUrl = 'https://unpkg.com/@cem/experiment/dist/config.schema.json'

/**
 * The JSON Schema (draft 2020-12) of a config file, for editors: keys, types, allowed values, defaults, and what each key means. What
 * only `loadConfig` can tell, such as two variants of one name, is not in it.
 */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input' })
  return {
    $schema,
    $id: configSchemaUrl,
    title: 'A cem experiment',
    ...schema,
  }
}
