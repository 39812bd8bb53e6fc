import type { CharacterEvent, CharacterPlan, PlannedStage } from '@cem/training'
import { formatTable } from '../summary.ts'
import { duration, terminalText } from '../terminal-text.ts'

/** How often the progress of a stage is printed. */
const progressIntervalInMs = 5000

const usd = (amount: number) => `${amount < 1 ? amount.toFixed(4) : amount.toFixed(2)} USD`
const count = (n: number) => n.toLocaleString('en-US')

/** Turns the events of character or reflection data into lines. */
export function characterLines(): (event: CharacterEvent<string>, now: number) => string[] {
  let last = 0
  return (event, now) => {
    switch (event.type) {
      case 'run-start': {
        const spent = event.spentUsd > 0 ? `, ${usd(event.spentUsd)} spent before` : ''
        return [`${event.name}: ${event.stages.join(', ')}${spent}`, `data in ${event.folder}`]
      }
      case 'unit-skipped':
        return [`${event.unit}: done before, ${filesText(event.entry.files)}`]
      case 'unit-reset':
        return [
          `${event.unit}: again, since its inputs changed; what was there is moved aside`,
          ...event.reasons.map((reason) => terminalText(`  ${reason}`)),
        ]
      case 'unit-start':
        last = now
        return event.isResumed ? [`${event.unit}: goes on`] : [`${event.unit}: begins`]
      case 'unit-progress': {
        if (now - last < progressIntervalInMs) return []
        last = now
        const cost = event.usd === null ? '' : `, ${usd(event.usd)} in this session`
        return [`${event.unit}: ${event.done} of ${event.total}${cost}`]
      }
      case 'unit-end': {
        const { counts, cost, files } = event.entry
        const shown = Object.entries(counts).map(([name, n]) => `${name} ${count(n)}`)
        const spent = cost.usd === null ? '' : `, ${usd(cost.usd)}`
        return [
          `${event.unit}: ${filesText(files)} in ${duration(event.durationInMs)}${spent}`,
          `  ${shown.join(', ')}`,
        ]
      }
      case 'unit-waiting':
        return [terminalText(event.message)]
      case 'unit-incomplete':
        return [terminalText(`${event.unit}: ${event.message}`)]
      case 'warning':
        return [terminalText(`warning: ${event.unit}: ${event.message}`)]
      case 'run-end':
        return [`${event.outcome}${event.spentUsd > 0 ? `, ${usd(event.spentUsd)} in all` : ''}`]
    }
  }
}

function filesText(files: readonly { readonly path: string; readonly nRows: number }[]): string {
  return files.map(({ path, nRows }) => `${path} (${count(nRows)} rows)`).join(', ')
}

/** What a run will ask for and cost, as a table. */
export function characterPlanLines(plan: CharacterPlan): string[] {
  const { stages, constitution } = plan
  return [
    `${plan.name}: ${constitution.name}, ${constitution.nTraits} traits`,
    `data in ${plan.folder}`,
    ...formatTable([
      ['stage', 'state', 'answers', 'there', 'most tokens', 'cost', 'asked'],
      ...stages.map((one) => [
        one.stage,
        one.status,
        ...(one.speaker === null ? ['-', '-', '-', '-', '-'] : askedCells(one)),
      ]),
    ]),
    ...stages.flatMap(({ stage, notes }) => notes.map((note) => `note: ${stage}: ${note}`)),
    totalLine(plan),
  ].map(terminalText)
}

function askedCells({ nAnswers, nThere, mostCompletionTokens, ...one }: PlannedStage): string[] {
  const cost =
    one.usd === null || one.mostUsd === null
      ? one.speaker?.startsWith('local')
        ? 'none'
        : 'unknown price'
      : `about ${usd(one.usd)}, at most ${usd(one.mostUsd)}`
  const { speaker } = one
  return [count(nAnswers), count(nThere), count(mostCompletionTokens), cost, speaker ?? '-']
}

function totalLine({ stages, usd: likely, mostUsd, maxCostUsd }: CharacterPlan): string {
  if (!stages.some(({ speaker }) => speaker?.startsWith('server') === true))
    return 'cost: none, since all models run here'
  const limit = maxCostUsd === null ? '' : `; the limit is ${usd(maxCostUsd)}`
  if (likely === null || mostUsd === null)
    return 'cost: not known, since a server has no prices in the config'
  return `cost: about ${usd(likely)} with the longest answers, at most ${usd(mostUsd)}${limit}`
}
