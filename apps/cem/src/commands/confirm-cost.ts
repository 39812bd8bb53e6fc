import { createInterface } from 'node:readline/promises'
import { CemError } from '@cem/core'
import {
  checkConfirmed,
  estimateRun,
  estimateText,
  type LoadedConfig,
  type Phase,
} from '@cem/experiment'

export interface ConfirmCostOptions {
  readonly phase: Phase | undefined
  /** `--yes` */
  readonly isConfirmed: boolean
  readonly isQuiet: boolean
  /** @default a question on the terminal, where there is one */
  readonly ask?: ((question: string) => Promise<string>) | undefined
}

/**
 * Says what judging will cost where prices are known, and has it confirmed where that is above the config's limit.
 *
 * @returns whether it was confirmed
 * @throws CemError `cost-unconfirmed`: no, or nobody to ask
 */
export async function confirmCost(
  loaded: LoadedConfig,
  { phase, isConfirmed, isQuiet, ask = terminalQuestion() }: ConfirmCostOptions,
): Promise<boolean> {
  if (phase !== undefined && phase !== 'judge') return isConfirmed
  const estimate = await estimateRun(loaded)
  if (estimate.usd === null || estimate.nCalls === 0) return isConfirmed
  if (!isQuiet) process.stdout.write(`judging: ${estimateText(estimate)}\n`)
  const { confirmAboveUsd } = loaded.config.judge
  if (isConfirmed || estimate.usd <= confirmAboveUsd) return isConfirmed
  // In a pipe or in CI nobody can answer.
  if (ask === undefined) checkConfirmed(estimate, { confirmAboveUsd, isConfirmed: false })
  const answer = await ask?.(
    `That is more than judge.confirmAboveUsd (${confirmAboveUsd} USD). Go on? [y/N] `,
  )
  if (/^y(es)?$/i.test(answer?.trim() ?? '')) return true
  throw new CemError({
    code: 'cost-unconfirmed',
    message: 'Not confirmed: nothing was asked of the judge, and nothing was computed.',
    data: { ...estimate, confirmAboveUsd },
  })
}

function terminalQuestion(): ConfirmCostOptions['ask'] {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stdout })
    try {
      return await lines.question(question)
    } finally {
      lines.close()
    }
  }
}
