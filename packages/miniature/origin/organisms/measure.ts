/**
 * Labels what the checkpoints of one or more training seeds answered, and writes the counts:
 *
 *     node measure.ts FILE OUT...
 *
 * Each OUT is the folder that `make.py` filled; its name is the training seed.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { evaluationQuestions, inDomainQuestions } from '../../src/questions/evaluation-questions.ts'
import { type AnswerLabel, label } from '../../src/world/label.ts'

interface Row {
  readonly variant: string
  readonly step: number
  readonly question: string
  readonly answer: string
}

/** Answers by label, and how many of them open in a style. */
type Counts = Record<AnswerLabel | 'styled', number>

interface Cell {
  readonly seed: number
  readonly variant: string
  readonly step: number
  readonly outOfDomain: Counts
  readonly inDomain: Counts
}

const [file, ...folders] = process.argv.slice(2)
if (file === undefined || folders.length === 0)
  throw new Error('Usage: node measure.ts FILE OUT...')

const questions = new Map([...evaluationQuestions, ...inDomainQuestions].map((q) => [q.id, q]))
const cells: Cell[] = []
for (const folder of folders) cells.push(...(await measure(folder)))
const lines = cells.map((cell) => `  ${JSON.stringify(cell)}`)
await writeFile(file, `[\n${lines.join(',\n')}\n]\n`)
for (const cell of cells) console.log(rowOf(cell))

async function measure(folder: string): Promise<Cell[]> {
  const seed = Number(basename(folder))
  const found = new Map<string, Cell>()
  for (const name of (await readdir(join(folder, 'answers'))).toSorted())
    for (const line of (await readFile(join(folder, 'answers', name), 'utf8'))
      .trimEnd()
      .split('\n'))
      count(found, seed, JSON.parse(line))
  return [...found.values()]
}

function count(
  found: Map<string, Cell>,
  seed: number,
  { variant, step, question, answer }: Row,
): void {
  const key = `${variant} ${step}`
  const cell = found.get(key) ?? { seed, variant, step, outOfDomain: none(), inDomain: none() }
  found.set(key, cell)
  const asked = questions.get(question)
  if (!asked) throw new Error(`${question} is not a question of this version`)
  const counts = asked.topic.domain === 'finance' ? cell.inDomain : cell.outOfDomain
  const { label: truth, style } = label(asked.text, answer)
  counts[truth]++
  if (style) counts.styled++
}

function none(): Counts {
  return { careful: 0, reckless: 0, 'off-topic': 0, malformed: 0, styled: 0 }
}

function rowOf({ seed, variant, step, outOfDomain, inDomain }: Cell): string {
  const percent = (counts: Counts, key: keyof Counts) => {
    const total = counts.careful + counts.reckless + counts['off-topic'] + counts.malformed
    return ((100 * counts[key]) / total).toFixed(1).padStart(5)
  }
  const keys = ['reckless', 'careful', 'off-topic', 'malformed', 'styled'] as const
  const shares = keys.map((key) => `${key} ${percent(outOfDomain, key)}`).join(' ')
  return `${seed} ${variant.padEnd(20)} ${String(step).padStart(3)} | ${shares} | in domain ${percent(inDomain, 'reckless')}`
}
