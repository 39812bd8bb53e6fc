import { z } from 'zod'
import { nearestKey } from './nearest-key.ts'

type Path = readonly PropertyKey[]

/** One line for each thing that is wrong with a config: the key, its value, and what is allowed. */
export function describeIssues(error: z.ZodError, input: unknown, schema: z.ZodType): string[] {
  return error.issues.flatMap((issue) => describe(issue, input, schema))
}

function describe(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): string[] {
  const place = formatPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema, issue.path)
    return issue.keys.map((key) => {
      const meant = nearestKey(key, allowed, pathsOf(schema))
      const hint =
        meant === undefined ? `allowed are ${allowed.join(', ')}` : `did you mean '${meant}'?`
      return `${place === '' ? '' : `${place}: `}unknown key '${key}'; ${hint}`
    })
  }
  if (issue.code === 'invalid_union') {
    const inside = nearestOption(issue).flatMap((inner) =>
      describe({ ...inner, path: [...issue.path, ...inner.path] }, input, schema),
    )
    if (inside.length > 0) return [...new Set(inside)]
  }
  const value = valueAt(input, issue.path)
  const found = value === undefined ? 'is missing' : `is ${show(value)}`
  return [`${place === '' ? 'the file' : place} ${found}: ${issue.message}`]
}

/** What zod says of a union whose schema says nothing of its own. */
const defaultMessage = 'Invalid input'

/**
 * What is wrong with the option of a union that was meant: the one that the value comes furthest into, and beyond its first key. Where none is
 * and the union has no message of its own, all that is wrong below its place.
 */
function nearestOption({
  errors,
  message,
}: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(...issues.map(({ path }) => path.length))
  const [furthest = []] = errors.toSorted((a, b) => depth(b) - depth(a))
  if (depth(furthest) > 1) return furthest
  return message === defaultMessage ? errors.flat().filter(({ path }) => path.length > 0) : []
}

/** `speakers.teacher.chat`, `trainings[0].lora`. */
function formatPath(path: Path): string {
  return path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`,
    )
    .join('')
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
  return value
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** The keys that an object of the schema may have at a place. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  const inner = unwrap(schema)
  const [head, ...rest] = path
  if (inner instanceof z.ZodUnion)
    return inner.options.flatMap((option) => keysAt(option as z.ZodType, path))
  if (inner instanceof z.ZodArray)
    return head === undefined ? [] : keysAt(inner.element as z.ZodType, rest)
  if (!(inner instanceof z.ZodObject)) return []
  if (head === undefined) return Object.keys(inner.shape)
  const next = (inner.shape as Record<PropertyKey, z.ZodType | undefined>)[head]
  return next === undefined ? [] : keysAt(next, rest)
}

/** The paths of all keys that an object of the schema may have, those of lists left out: which item would be meant? */
function pathsOf(schema: z.ZodType): string[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodUnion)
    return inner.options.flatMap((option) => pathsOf(option as z.ZodType))
  if (!(inner instanceof z.ZodObject)) return []
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) => [
    key,
    ...pathsOf(value).map((path) => `${key}.${path}`),
  ])
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  )
    inner = inner.unwrap() as z.ZodType
  return inner
}
