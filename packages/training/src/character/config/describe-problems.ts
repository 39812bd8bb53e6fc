import { nearest } from '@cem/core'
import { z } from 'zod'

/** One line for each thing that is wrong with a config: the key, its value, and what is allowed. */
export function describeProblems(error: z.ZodError, input: unknown, schema: z.ZodType): string[] {
  return error.issues.flatMap((issue) => describe(issue, input, schema))
}

type Path = readonly PropertyKey[]

function describe(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): string[] {
  const place = placeOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema, issue.path)
    return issue.keys.map((key) => {
      const meant = nearest(key, allowed)
      const hint =
        meant === undefined ? `allowed are ${allowed.join(', ')}` : `did you mean '${meant}'?`
      return `${place === '' ? '' : `${place}: `}unknown key '${key}'; ${hint}`
    })
  }
  if (issue.code === 'invalid_union') {
    const inside = nearestOption(issue.errors).flatMap((inner) =>
      describe({ ...inner, path: [...issue.path, ...inner.path] }, input, schema),
    )
    if (inside.length > 0) return [...new Set(inside)]
  }
  const value = issue.path.reduce<unknown>(
    (found, key) => (found as Record<PropertyKey, unknown> | null | undefined)?.[key],
    input,
  )
  const found = value === undefined ? 'is missing' : `is ${shown(value)}`
  return [`${place === '' ? 'the file' : place} ${found}: ${issue.message}`]
}

/** What is wrong with the option that was meant: the one that the value comes furthest into, and beyond its first key. */
function nearestOption(
  options: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(...issues.map(({ path }) => path.length))
  const inside = options.filter((issues) => depth(issues) > 1)
  return inside.toSorted((a, b) => depth(b) - depth(a))[0] ?? []
}

function placeOf(path: Path): string {
  return path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`,
    )
    .join('')
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** The keys that an object of the schema may have at a place. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let inner: unknown = schema
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  )
    inner = inner.unwrap()
  if (inner instanceof z.ZodUnion)
    return inner.options.flatMap((option) => keysAt(option as z.ZodType, path))
  const [head, ...rest] = path
  if (inner instanceof z.ZodArray)
    return head === undefined ? [] : keysAt(inner.element as z.ZodType, rest)
  if (!(inner instanceof z.ZodObject)) return []
  if (head === undefined) return Object.keys(inner.shape)
  const next = (inner.shape as Record<PropertyKey, z.ZodType | undefined>)[head]
  return next === undefined ? [] : keysAt(next, rest)
}
