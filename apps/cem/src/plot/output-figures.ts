import { extname } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { type RunFigure, writeFigures } from '@cem/experiment'
import { renderPng, renderSvg, renderTerminal } from '@cem/plots'

export interface OutputFlags {
  /** A file or a folder. */
  readonly output?: string
  readonly terminal?: boolean
  readonly columns?: number
}

type Figure = Omit<RunFigure, 'kind'>

/** Prints figures, or writes them into a file or a folder and says where. */
export async function outputFigures(
  figures: readonly Figure[],
  folder: string,
  { output, terminal = false, columns }: OutputFlags,
): Promise<void> {
  if (terminal) return printFigures(figures, columns ?? process.stdout.columns)
  const files =
    output === undefined || extname(output) === ''
      ? await writeFigures(output ?? folder, figures)
      : [await writeFigure(figures, output)]
  process.stdout.write(files.map((file) => `wrote ${file}\n`).join(''))
}

async function printFigures(figures: readonly Figure[], columns: number | undefined) {
  const hasColour = process.stdout.isTTY && !process.env['NO_COLOR']
  for (const { spec } of figures) {
    const text = await renderTerminal(spec, { columns, colour: hasColour ? 'ansi' : 'none' })
    process.stdout.write(`${text}\n`)
  }
}

async function writeFigure(figures: readonly Figure[], output: string): Promise<string> {
  const [figure] = figures
  if (figures.length !== 1 || figure === undefined)
    throw new CemError({
      code: 'usage',
      message: `--output is the file ${output}, and there are ${figures.length} figures: give a folder.`,
      data: { output },
    })
  if (output.endsWith('.svg')) await writeFileAtomic(output, await renderSvg(figure.spec))
  else if (output.endsWith('.png')) await writeFileAtomic(output, await renderPng(figure.spec))
  else if (output.endsWith('.json'))
    await writeFileAtomic(output, `${JSON.stringify(figure.spec)}\n`)
  else
    throw new CemError({
      code: 'usage',
      message: `--output is ${output}; it must end in .png, .svg or .vl.json, or name a folder.`,
      data: { output },
    })
  return output
}
