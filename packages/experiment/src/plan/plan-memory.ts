import { CemError } from '@cem/core'
import { availableMemory, estimateMemory, openModelFolder } from '@cem/inference'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from './cell.ts'
import type { PlannedAnswers } from './plan-answers.ts'

/** Memory of the engine's process for one base, adapters not counted. */
export interface PlannedMemory {
  readonly base: string
  /** Answers in progress at once; where they do not fit, the run takes fewer. */
  readonly batch: number
  /** Longest prompt and answer together, in tokens. */
  readonly positions: number
  readonly loadPeakBytes: number | null
  readonly totalBytes: number | null
  /** To this process now. */
  readonly availableBytes: number
  /** Whether the model loads at all; null where that is not known. */
  readonly fits: boolean | null
  readonly absent: string | null
}

/** What the engine takes where the config does not say. */
const usualBatch = 64
/** Where no tokenizer is at hand. */
const usualPrompt = 64

/** Estimates the memory on the CPU by @cem/inference's estimate, from the architecture alone. */
export async function planMemory(
  { config }: LoadedConfig,
  cells: readonly Cell[],
  answers: PlannedAnswers,
): Promise<PlannedMemory[]> {
  const promptTokens = answers.tokens.longestPrompt ?? usualPrompt
  const positions = promptTokens + config.sampling.maxNewTokens
  const nPerCell = Object.values(answers.perCell).reduce((sum, n) => sum + n, 0)
  const batch = Math.min(config.sampling.batchSize ?? usualBatch, Math.max(1, nPerCell))
  const availableBytes = availableMemory()
  const planned: PlannedMemory[] = []
  for (const base of new Set(cells.map((cell) => cell.base))) {
    const common = { base, batch, positions, availableBytes }
    try {
      const { architecture } = await openModelFolder(base)
      const { loadPeak, total } = estimateMemory(architecture, {
        precision: config.precision,
        batch,
        positions,
        promptTokens,
        capture: config.activations !== false,
      })
      const fits = loadPeak <= availableBytes
      planned.push({ ...common, loadPeakBytes: loadPeak, totalBytes: total, fits, absent: null })
    } catch (error) {
      if (!CemError.isInstance(error)) throw error
      const absent = error.message
      planned.push({ ...common, loadPeakBytes: null, totalBytes: null, fits: null, absent })
    }
  }
  return planned
}
