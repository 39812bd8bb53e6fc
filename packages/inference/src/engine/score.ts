import type { GenerationHooks } from './generate.ts'
import { InterventionPlan } from './intervention-plan.ts'
import type { ScoredItem, ScoreSpec } from './messages.ts'
import { type Indexed, ScoreBatch } from './score-batch.ts'
import type { ScoringSession } from './scoring-session.ts'
import { type PrefixGroup, prefixGroups, SharedPrefix } from './shared-prefix.ts'

/** Rows that go on from copies of one beginning's keys and values. */
const mostRows = 32

export interface ScoreHooks extends Omit<GenerationHooks, 'onItem'> {
  readonly onItem: (item: ScoredItem) => Promise<void>
}

/**
 * Runs given tokens (teacher forcing): means of hidden states over spans, states of single tokens, log-probabilities, logits.
 * Short sequences share runs, padded on the right; long ones run alone in pieces over their cache. Where several begin with the
 * same tokens of which nothing is wanted, those are computed once.
 */
export async function score(
  session: ScoringSession,
  spec: ScoreSpec,
  hooks: ScoreHooks,
): Promise<void> {
  let nDone = 0
  let nTokens = 0
  const report = () => hooks.onProgress({ nTokens, nDone, nTotal: spec.items.length })
  const { architecture } = session
  const plan = spec.interventions && new InterventionPlan(architecture, spec.interventions)
  const longest = spec.items.reduce((max, item) => Math.max(max, item.tokenIds.length), 0)
  const wanted = session.readsWholeTexts ? Math.max(spec.tokenBudget, longest) : spec.tokenBudget
  const tokenBudget = Math.min(wanted, session.attention.maxColumns)
  const bounded = { ...spec, tokenBudget }
  // What comes before the texts that are read is computed once, where several share it.
  const mayShare = plan === null && !session.readsWholeTexts
  const indexed = spec.items.map((item, index) => ({ ...item, index }))
  for (const group of mayShare
    ? prefixGroups(indexed, spec.lanes)
    : [{ items: indexed, length: 0 }]) {
    using prefix = await prefixOf(session, bounded, group, hooks.signal)
    for (const batch of batches(group, bounded)) {
      hooks.signal.throwIfAborted()
      const how = { spec: bounded, plan, prefix, signal: hooks.signal }
      const scored = await new ScoreBatch(session, batch, how).run()
      for (const item of scored) {
        nDone += 1
        await hooks.onItem(item)
      }
      nTokens += batch.reduce((sum, item) => sum + item.tokenIds.length, 0)
      report()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  report()
}

async function prefixOf(
  session: ScoringSession,
  spec: ScoreSpec,
  { items, length }: PrefixGroup,
  signal: AbortSignal,
): Promise<SharedPrefix | null> {
  const [first] = items
  if (length === 0 || first === undefined) return null
  return SharedPrefix.compute(session, spec, first, length, signal)
}

/**
 * Groups of similar length whose padded size stays within the budget; what is larger alone is a group of its own. Lanes meet
 * in a group only where one of them does not fill it: a run with several costs the adapters of each for all of its tokens.
 */
function batches(
  { items, length }: PrefixGroup,
  { lanes, tokenBudget }: Pick<ScoreSpec, 'lanes' | 'tokenBudget'>,
): Indexed[][] {
  if (length > 0) return continuationBatches(items, length)
  const packed = (members: readonly Indexed[]) => pack(members, tokenBudget)
  if (lanes === null) return packed(items)
  const byLane = Map.groupBy(items, ({ index }) => lanes.laneOf[index])
  const groups = Array.from(byLane.values(), packed)
  const rests = groups.flatMap((full) => full.pop() ?? [])
  return [...groups.flat(), ...packed(rests)]
}

/**
 * What follows a shared beginning. The attention operator goes on from earlier tokens with one token of many rows, or with many of
 * one row: whichever is fewer runs.
 */
function continuationBatches(items: readonly Indexed[], nKnown: number): Indexed[][] {
  const ordered = byLength(items)
  const longest = (ordered.at(-1)?.tokenIds.length ?? nKnown) - nKnown
  const nRows = longest < ordered.length ? mostRows : 1
  return Array.from({ length: Math.ceil(ordered.length / nRows) }, (_, i) =>
    ordered.slice(i * nRows, (i + 1) * nRows),
  )
}

function byLength(items: readonly Indexed[]): Indexed[] {
  return items.toSorted((a, b) => a.tokenIds.length - b.tokenIds.length || a.index - b.index)
}

function pack(items: readonly Indexed[], tokenBudget: number): Indexed[][] {
  const groups: Indexed[][] = []
  let current: Indexed[] = []
  for (const item of byLength(items)) {
    if (current.length > 0 && (current.length + 1) * item.tokenIds.length > tokenBudget) {
      groups.push(current)
      current = []
    }
    current.push(item)
  }
  if (current.length > 0) groups.push(current)
  return groups
}
