import { CemError } from '@cem/core'
import type { PlanFlags } from './plan.ts'
import { trainCommand } from './train.ts'

/** `cem plan CONFIG` of a file of trainings: as `cem train CONFIG --plan`. */
export async function planTrainings(config: string, flags: PlanFlags): Promise<number> {
  const { probe = true, json = false, ...others } = flags
  const unfit = Object.entries(others).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [flagName(name)],
  )
  if (unfit.length > 0)
    throw new CemError({
      code: 'usage',
      message: `${config} lists trainings, and ${unfit.join(', ')} ${unfit.length === 1 ? 'is' : 'are'} of an evaluation. A plan of trainings takes --no-probe and --json alone.`,
      data: { config, flags: unfit },
    })
  return trainCommand(config, { plan: true, probe, run: false, json })
}

function flagName(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
