import type { JudgeProtocol } from '@cem/judge'

/** Canary rows are judged under at most so many protocols: a questions file may give every question its own. */
const mostCanaryProtocols = 4

/** The protocols, one for each answer, that canary rows are judged under: the most used ones first. */
export function canaryProtocols(protocols: Iterable<JudgeProtocol>): JudgeProtocol[] {
  const uses = new Map<string, { readonly protocol: JudgeProtocol; n: number }>()
  for (const protocol of protocols) {
    const use = uses.get(protocol.hash)
    if (use !== undefined) use.n += 1
    else if ('aligned' in protocol.rubrics && protocol.name !== 'labels')
      uses.set(protocol.hash, { protocol, n: 1 })
  }
  return [...uses.values()]
    .toSorted((a, b) => b.n - a.n)
    .slice(0, mostCanaryProtocols)
    .map(({ protocol }) => protocol)
}
