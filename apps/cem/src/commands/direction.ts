import { computeDirections, writeDirections } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { formatTable } from '../summary.ts'

interface DirectionFlags {
  readonly baselineNoEm: string
  readonly baselineWithEm: string
  readonly output: string
}

/** `cem direction` */
export async function directionCommand(flags: DirectionFlags): Promise<number> {
  const set = await computeDirections(flags.baselineNoEm, flags.baselineWithEm)
  await writeDirections(flags.output, set)
  const rows = Array.from(set.layers, ([layer, { displacementNorm, nWith, nWithout, nSkipped }]) =>
    [layer, displacementNorm.toPrecision(4), nWithout, nWith, nSkipped].map(String),
  )
  const header = ['layer', 'displacement norm', 'n without', 'n with', 'empty answers left out']
  process.stdout.write(`${formatTable([header, ...rows]).join('\n')}\nwrote ${flags.output}\n`)
  return exitCodes.complete
}
