import type { GeneratedItem, GenerationSpec } from '../messages.ts'
import type { ScoreHooks } from '../score.ts'
import { stepsOf } from './wave-feeds.ts'
import { waveRows } from './wave-memory.ts'
import { refuse } from './wave-refusal.ts'
import type { WaveSession } from './wave-session.ts'

export interface WaveHooks extends Omit<ScoreHooks, 'onItem'> {
  readonly onItem: (item: GeneratedItem) => Promise<void>
}

/** Rows of a wave where the device's memory is not known. */
const cautiousRows = 64

/**
 * Samples answers wave by wave, as many rows at once as the request allows and the device's memory is estimated to hold. Inside a
 * wave nothing can be reported or aborted: the runtime gives no sign before its run is over.
 */
export async function generateInWaves(
  session: WaveSession,
  spec: GenerationSpec,
  hooks: WaveHooks,
): Promise<void> {
  refuse({
    topLogprobs: spec.nTopLogprobs > 0,
  })
  const { memoryBytes: memory } = session
  const longest = Math.max(1, ...spec.prompts.map((prompt) => prompt.length))
  const nRows = Math.min(
    spec.batchSize,
    memory === null
      ? cautiousRows
      : waveRows(session.architecture, session.weightBytes, longest + stepsOf(spec), memory),
  )
  let nTokens = 0
  for (let start = 0; start < spec.items.length; start += nRows) {
    hooks.signal.throwIfAborted()
    const part = partOf(spec, start, nRows)
    const answers = await session.wave(part)
    for (const [i, answer] of answers.entries()) {
      nTokens += answer.tokenIds.length
      await hooks.onItem({ ...answer, index: start + i })
    }
    const nDone = start + answers.length
    hooks.onProgress({ nTokens, nDone, nTotal: spec.items.length })
    // The runtime blocks the thread: let messages in, an abort among them.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Some of a request's items, with the prompts that they need. */
function partOf(spec: GenerationSpec, start: number, nRows: number): GenerationSpec {
  const items = spec.items.slice(start, start + nRows)
  const used = [...new Set(items.map((item) => item.promptIndex))]
  const places = new Map(used.map((index, place) => [index, place]))
  return {
    ...spec,
    prompts: used.map((index) => spec.prompts[index] as Int32Array),
    interventions: spec.interventions && {
      ...spec.interventions,
      lists: used.map((index) => spec.interventions?.lists[index] ?? []),
    },
    items: items.map((item) => ({
      ...item,
      promptIndex: places.get(item.promptIndex) as number,
    })),
  }
}
