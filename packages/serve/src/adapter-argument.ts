import { existsSync } from 'node:fs'
import { CemError } from '@cem/core'
import type { LayerRole } from '@cem/inference'

/** An adapter, or several stacked in order, to be served under a name. */
export interface AdapterRequest {
  readonly name: string
  readonly layers: readonly {
    readonly adapter: string
    /** @default what its card says; else a persona, and an organism for one that is stacked on another */
    readonly role?: LayerRole
  }[]
}

/**
 * Reads `NAME=PATH`, `NAME=ROLE:PATH` or `NAME=PATH+PATH`, where ROLE is persona, em or control, and paths joined by `+` are stacked
 * in order. A path that holds a `+` itself is taken as it is where it exists.
 *
 * @throws CemError `invalid-adapter-argument`
 */
export function parseAdapterArgument(text: string): AdapterRequest {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(0, at)).trim()
  const value = text.slice(at + 1).trim()
  if (at === -1 || value === '')
    throw invalid(text, 'it must be NAME=PATH, NAME=em:PATH or NAME=persona:PATH+em:PATH')
  if (!/^[\w.@-][\w.@/-]*$/.test(name))
    throw invalid(text, `the name '${name}' must be letters, digits, '.', '_', '-', '@' and '/'`)
  return { name, layers: splitPaths(value).map((part) => parseLayer(part, text)) }
}

function splitPaths(value: string): string[] {
  return existsSync(withoutRole(value)) ? [value] : value.split('+')
}

const rolePattern = /^(persona|em|control):/

function withoutRole(part: string): string {
  return part.replace(rolePattern, '')
}

function parseLayer(part: string, text: string): AdapterRequest['layers'][number] {
  const adapter = withoutRole(part)
  if (adapter === '') throw invalid(text, 'a path is empty')
  const [, role] = rolePattern.exec(part) ?? []
  return role === undefined ? { adapter } : { adapter, role: role as LayerRole }
}

function invalid(text: string, reason: string): CemError {
  return new CemError({
    code: 'invalid-adapter-argument',
    message: `The adapter '${text}' cannot be read: ${reason}.`,
    data: { text },
  })
}
