import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeTarget, type Figure, formatValue, isMet, type SectionResult } from './figure.ts'

export interface Machine {
  readonly cpu: string
  readonly threads: number
  readonly memoryBytes: number
  readonly node: string
  readonly onnxRuntime: string
}

export interface BenchResult {
  /** ISO 8601 */
  readonly date: string
  readonly machine: Machine
  readonly durationInMinutes: number
  readonly isQuick: boolean
  readonly rounds: number
  readonly sections: Readonly<Record<string, SectionResult>>
}

/** Writes `bench/results/<date>-<machine>.json` and a table beside it; gives the paths. */
export async function record(result: BenchResult): Promise<string[]> {
  const folder = fileURLToPath(new URL('./results', import.meta.url))
  await mkdir(folder, { recursive: true })
  const { cpu, threads } = result.machine
  const slug = `${cpu} ${threads} threads`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const stem = join(folder, `${result.date.slice(0, 10)}-${slug.replace(/^-|-$/g, '')}`)
  await writeFile(`${stem}.json`, `${JSON.stringify(result, null, 2)}\n`)
  await writeFile(`${stem}.md`, tableOf(result))
  return [`${stem}.json`, `${stem}.md`]
}

function tableOf({ date, machine, durationInMinutes, rounds, sections }: BenchResult): string {
  const { cpu, threads, memoryBytes, node, onnxRuntime } = machine
  const gigabytes = (memoryBytes / 1e9).toFixed(0)
  const head = `# ${date.slice(0, 10)}: ${cpu}, ${threads} threads, ${gigabytes} GB\n\nNode ${node}, ONNX Runtime ${onnxRuntime}; ${rounds} rounds, ${durationInMinutes.toFixed(0)} minutes. Medians, with the middle half of the measurements.\n`
  const parts = Object.values(sections).map(({ title, figures, notes }) =>
    [
      `\n## ${title}\n`,
      '| figure | value | middle half | target | |',
      '| --- | ---: | --- | --- | --- |',
      ...figures.map(rowOf),
      ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)]),
      '',
    ].join('\n'),
  )
  return `${head}${parts.join('')}`
}

function rowOf(figure: Figure): string {
  const { name, value, unit, quartiles, n, target } = figure
  const middle =
    quartiles === undefined || n === 1
      ? ''
      : `${quartiles.map((q) => formatValue(q, unit)).join(' to ')} (n = ${n ?? '?'})`
  const held = target === undefined ? '' : describeTarget(target, unit)
  const verdict = { true: 'met', false: '**missed**', null: '' }[String(isMet(figure))] ?? ''
  return `| ${name} | ${formatValue(value, unit)} | ${middle} | ${held} | ${verdict} |`
}
