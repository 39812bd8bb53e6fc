import {
  type FigureKind,
  type FigureLook,
  plotAgreement,
  plotLora,
  plotRun,
  type RunFigure,
} from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { type OutputFlags, outputFigures } from '../plot/output-figures.ts'
import { runFolder, runFolderIfAny } from '../run-folder.ts'

export interface PlotRunFlags extends FigureLook, OutputFlags {
  readonly results: string
  readonly labeller?: string
}

/** `cem plot run RUN`, `cem plot forest RUN`, ... */
export async function plotRunCommand(
  run: string,
  kind: FigureKind | undefined,
  flags: PlotRunFlags,
): Promise<number> {
  const name = runFolder(run, flags.results)
  const kinds = kind === undefined ? undefined : [kind]
  return output(await plotRun({ ...name, kinds, look: lookOf(flags) }), name.resultsFolder, flags)
}

/** `cem plot agreement RUN` */
export async function plotAgreementCommand(run: string, flags: PlotRunFlags): Promise<number> {
  const name = runFolder(run, flags.results)
  const figure = await plotAgreement({ ...name, labeller: flags.labeller, look: lookOf(flags) })
  return output([figure], name.resultsFolder, flags)
}

/** `cem plot lora RUN`, or the folders of training runs. */
export async function plotLoraCommand(
  folders: readonly string[],
  flags: PlotRunFlags,
): Promise<number> {
  const [first = ''] = folders
  if (folders.length === 1 && runFolderIfAny(first, flags.results) !== undefined)
    return plotRunCommand(first, 'lora', flags)
  return output([await plotLora({ folders, look: lookOf(flags) })], flags.results, flags)
}

async function output(
  figures: readonly Omit<RunFigure, 'kind'>[],
  folder: string,
  flags: OutputFlags,
): Promise<number> {
  await outputFigures(figures, folder, flags)
  return exitCodes.complete
}

export function lookOf({ theme, width }: FigureLook): FigureLook {
  return { theme, width }
}
