import { CemError } from '@cem/core'

/**
 * Puts values in the place of `{key}`. A value is put in as it is: what looks like a placeholder in it stays.
 *
 * @throws CemError `template-invalid` for a placeholder that has no value here
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{([A-Za-z]+)\}/g, (placeholder, key: string) => {
    const value = values[key]
    if (value === undefined)
      throw new CemError({
        code: 'template-invalid',
        message: `A template has the placeholder ${placeholder}, which has no meaning there; allowed are ${Object.keys(
          values,
        )
          .map((known) => `{${known}}`)
          .join(', ')}.`,
        data: { placeholder, allowed: Object.keys(values) },
      })
    return value
  })
}
