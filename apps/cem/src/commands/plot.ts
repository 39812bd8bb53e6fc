import { join } from 'node:path'
import { CemError } from '@cem/core'
import { type FigureLook, listVariants, plotCurves, plotProjections } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'

interface PlotFlags extends FigureLook {
  readonly variants?: readonly string[]
  readonly results: string
  readonly output?: string
}

/** `cem plot curves` */
export async function plotCurvesCommand(flags: PlotFlags): Promise<number> {
  const output = checkOutput(flags.output ?? join(flags.results, 'em_curves.png'))
  const variants = await variantsOf(flags)
  await plotCurves({ resultsFolder: flags.results, variants, output, look: lookOf(flags) })
  process.stdout.write(`wrote ${output}\n`)
  return exitCodes.complete
}

interface PlotProjectionsFlags extends PlotFlags {
  readonly direction: string
  readonly baseModelActivations?: string
  readonly layer?: number
  readonly allLayers?: boolean
}

/** `cem plot projections` */
export async function plotProjectionsCommand(flags: PlotProjectionsFlags): Promise<number> {
  if ((flags.layer === undefined) === (flags.allLayers !== true))
    throw new CemError({ code: 'usage', message: 'Give either --layer N or --all-layers.' })
  const layer = flags.layer ?? 'all'
  const name = layer === 'all' ? 'all_layers' : `layer${layer}`
  const output = checkOutput(
    flags.output ?? join(flags.results, `activation_projections_${name}.png`),
  )
  await plotProjections({
    direction: flags.direction,
    resultsFolder: flags.results,
    variants: await variantsOf(flags),
    baseActivations: flags.baseModelActivations,
    layer,
    output,
    look: lookOf(flags),
  })
  process.stdout.write(`wrote ${output}\nwrote ${output.replace(/\.(png|svg)$/, '.json')}\n`)
  return exitCodes.complete
}

function lookOf({ theme, width }: FigureLook): FigureLook {
  return { theme, width }
}

async function variantsOf({ variants, results }: PlotFlags): Promise<readonly string[]> {
  const found = variants ?? (await listVariants(results))
  if (found.length > 0) return found
  throw new CemError({
    code: 'results-not-found',
    message: `${results} has no <variant>_checkpoints folders.`,
    data: { results },
  })
}

function checkOutput(output: string): string {
  if (/\.(png|svg)$/.test(output)) return output
  throw new CemError({
    code: 'usage',
    message: `--output is ${output}; it must end in .png or .svg.`,
    data: { output },
  })
}
