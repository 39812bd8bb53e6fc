import { echo } from '../model/echo.ts'
import { composeAsUnicode9 } from './unicode-versions.ts'

export type Normalize = (text: string) => string

/**
 * The `normalizer` of tokenizer.json as a function.
 *
 * @throws Error for one that is not known
 */
export function compileNormalizer(definition: unknown): Normalize {
  if (definition === null || definition === undefined) return (text) => text
  const { type, ...options } = definition as Record<string, unknown>
  switch (type) {
    case 'Sequence': {
      const steps = list(options['normalizers'], 'normalizers').map(compileNormalizer)
      return (text) => steps.reduce((all, step) => step(all), text)
    }
    case 'NFC':
      return composeAsUnicode9
    case 'Prepend': {
      const prefix = string(options['prepend'], 'prepend')
      return (text) => (text === '' ? '' : prefix + text)
    }
    case 'Replace': {
      const { String: old } = (options['pattern'] ?? {}) as Record<string, unknown>
      const [from, to] = [string(old, 'pattern.String'), anyString(options['content'], 'content')]
      return (text) => text.replaceAll(from, () => to)
    }
    default:
      throw new Error(
        `its normalizer is ${echo(type)}; NFC, Replace (of a String), Prepend and Sequence can be computed`,
      )
  }
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new Error(`${name} is ${echo(value)}, which is no list`)
}

export function string(value: unknown, name: string): string {
  const text = anyString(value, name)
  if (text !== '') return text
  throw new Error(`${name} is empty`)
}

/** May be empty. */
export function anyString(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw new Error(`${name} is ${echo(value)}, which is no text`)
}
