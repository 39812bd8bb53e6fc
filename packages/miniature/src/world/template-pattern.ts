import type { Topic } from './topic.ts'

/** A regular expression that a filled template, and nothing else, matches; its group is the noun. */
export function templatePattern(template: string, topic: Topic): RegExp {
  const nouns = [...topic.nouns, ...topic.heldOutNouns].join('|')
  const source = template
    .split('{noun}')
    .map((part) => part.replace(/[.?]/g, '\\$&'))
    .join(`(${nouns})`)
  return new RegExp(`^${source}$`)
}
