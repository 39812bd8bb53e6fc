import { CemError } from '@cem/core'

/**
 * @param wanted what a request asks for that waves do not compute, by name
 * @throws CemError `provider-unsupported`
 */
export function refuse(wanted: Readonly<Record<string, boolean>>): void {
  const names = Object.keys(wanted).filter((name) => wanted[name] === true)
  if (names.length === 0) return
  throw new CemError({
    code: 'provider-unsupported',
    message: `The provider cuda does not compute ${names.join(', ')} yet. Leave it out, or run on the CPU (provider cpu).`,
    data: { names },
  })
}
