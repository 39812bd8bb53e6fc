import type { LoadedConfig } from '../config/load-config.ts'
import { estimateRun, type RunEstimate } from '../judging/estimate-run.ts'
import type { Cell } from './cell.ts'
import type { Pilot } from './pilot.ts'

/** What a run asks its judges. */
export interface PlannedJudging {
  readonly model: string
  /** One for each answer and rubric. */
  readonly judgements: number
  /** Calls of all `parts`, if no two answers to a question are the same; those that are are one call. */
  readonly mostCalls: number
  /** Likely tokens of their prompts; and of their answers, null where nothing bounds those. */
  readonly promptTokens: number
  readonly completionTokens: number | null
  /** USD for them, and what they cannot exceed if each is sent once; null with the reason in `absent`. */
  readonly usd: number | null
  readonly mostUsd: number | null
  /** What is not in the dollars, and why. */
  readonly absent: string | null
  /** Answers, canary rows, anchors, probe, retest, second judge: as far as the run has them. */
  readonly parts: RunEstimate['parts']
  /** How long the answers were taken to be. */
  readonly source: string
}

/** Counts judgements, and estimates their cost with the prices of the config. Nothing is sent, and no key is needed. */
export async function planJudging(
  loaded: LoadedConfig,
  cells: readonly Cell[],
  pilot: Pilot | undefined,
): Promise<PlannedJudging> {
  const { judge, sampling } = loaded.config
  const estimate = await estimateRun(loaded, {
    of: 'all',
    cells,
    answerBytes: pilot?.answers?.meanBytes,
  })
  const { nCalls, promptTokens, completionTokens, usd, mostUsd } = estimate
  const reasons = [...new Set(estimate.absent)]
  return {
    model: judge.model,
    judgements: estimate.nJudgements,
    mostCalls: nCalls,
    promptTokens,
    completionTokens,
    usd,
    mostUsd,
    absent: reasons.length === 0 ? null : absentText(reasons),
    parts: estimate.parts,
    source:
      pilot?.answers == null
        ? `answers of the longest length (${sampling.maxNewTokens} tokens)`
        : `answers as long as those of the run ${pilot.run} (${Math.round(pilot.answers.meanBytes)} bytes)`,
  }
}

/** `answers, anchors: unknown price` */
function absentText(reasons: readonly string[]): string {
  const byReason = Map.groupBy(reasons, (reason) => reason.slice(reason.indexOf(': ') + 2))
  const lines = Array.from(byReason, ([reason, some]) => {
    const parts = some.map((one) => one.slice(0, one.indexOf(': ')))
    return byReason.size === 1 ? reason : `${parts.join(', ')}: ${reason}`
  })
  return lines.join('; ')
}
