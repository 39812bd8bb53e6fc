import { CemError } from '@cem/core'
import {
  type CharacterPlan,
  type CharacterStage,
  loadCharacterConfig,
  planCharacterData,
  runCharacterData,
} from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { characterPlanLines } from '../plain/character-lines.ts'
import { showPairs } from './character-show.ts'
import { makeData } from './make-data.ts'

export interface CharacterFlags {
  readonly stage?: readonly CharacterStage[]
  readonly onlyPlan?: boolean
  readonly maxCostUsd?: number
  readonly output?: string
  readonly restartChanged?: boolean
  readonly inspect?: boolean
  readonly yes?: boolean
  readonly plain?: boolean
  readonly theme?: string
  readonly json?: boolean
}

/** Above it a run has to be told that it may. */
const confirmAboveUsd = 10

/** `cem character CONFIG` */
export async function characterCommand(file: string, flags: CharacterFlags): Promise<number> {
  const { maxCostUsd, output, stage, json = false } = flags
  const loaded = await loadCharacterConfig(file, { overrides: { maxCostUsd, output } })
  if (flags.inspect === true) return showPairs(loaded.output, flags)
  const plan = await planCharacterData(loaded, stage)
  if (flags.onlyPlan === true) {
    const text = json ? JSON.stringify(plan) : characterPlanLines(plan).join('\n')
    process.stdout.write(`${text}\n`)
    return exitCodes.complete
  }
  if (!json) process.stdout.write(`${characterPlanLines(plan).join('\n')}\n\n`)
  checkCost(plan, flags)
  const onChange = flags.restartChanged === true ? 'restart' : 'refuse'
  return makeData((signal) => runCharacterData({ loaded, stages: stage, onChange, signal }), json)
}

function checkCost({ usd, maxCostUsd }: CharacterPlan, { yes }: CharacterFlags): void {
  if (usd === null || usd <= confirmAboveUsd || maxCostUsd !== null || yes === true) return
  throw new CemError({
    code: 'cost-unconfirmed',
    message: `It is estimated to cost ${usd.toFixed(2)} USD, and nothing limits it. Give --max-cost-usd (or maxCostUsd in the config), or --yes.`,
    data: { usd, confirmAboveUsd },
  })
}
