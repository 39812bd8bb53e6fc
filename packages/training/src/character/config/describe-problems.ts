import { nearest } from '@cem/core'
import type { z } from 'zod'

/** One line for each thing that is wrong with a config: the key, and what is allowed. */
export function describeProblems(error: z.ZodError): string[] {
  return error.issues.flatMap(describe)
}

function describe(issue: z.core.$ZodIssue): string[] {
  const path = issue.path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`,
    )
    .join('')
  const place = path === '' ? 'the file' : path
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const meant = nearest(key, knownKeys)
      return `${path === '' ? '' : `${path}: `}unknown key '${key}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`
    })
  if (issue.code === 'invalid_union') {
    const inside = issue.errors
      .flat()
      .filter((inner) => inner.path.length > 0)
      .flatMap((inner) => describe({ ...inner, path: [...issue.path, ...inner.path] }))
    if (inside.length > 0) return [...new Set(inside)]
  }
  return [`${place}: ${issue.message}`]
}

/** Keys that are mistyped more often than others. */
const knownKeys: readonly string[] = [
  'constitution',
  'assistant',
  'output',
  'seed',
  'speakers',
  'teacher',
  'student',
  'introspector',
  'expander',
  'sampling',
  'temperature',
  'topP',
  'maxTokens',
  'samplesPerPrompt',
  'promptsPerTrait',
  'extraPrompts',
  'maxCostUsd',
  'prices',
  'inputPerMillion',
  'outputPerMillion',
  'baseUrl',
  'apiKeyVariable',
  'layers',
  'baseAliases',
  'conversations',
  'turns',
  'guidance',
  'reflection',
  'interaction',
  'dataset',
  'license',
  'terms',
]
