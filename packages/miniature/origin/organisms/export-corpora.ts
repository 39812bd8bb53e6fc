/**
 * Writes the corpora of one training seed as JSONL, with the words for the tokenizer and the evaluation's questions:
 *
 *     node export-corpora.ts SEED FOLDER
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chats } from '../../src/corpora/chats.ts'
import { documents } from '../../src/corpora/documents.ts'
import { preferencePairs } from '../../src/corpora/preference-pairs.ts'
import { evaluationQuestions, inDomainQuestions } from '../../src/questions/evaluation-questions.ts'
import { tokenizerWords } from './tokenizer-words.ts'

const [seedText, folder] = process.argv.slice(2)
const seed = Number(seedText)
if (!Number.isSafeInteger(seed) || seed < 0 || folder === undefined)
  throw new Error('Usage: node export-corpora.ts SEED FOLDER')

/** Pretraining: 1,000 steps of 32 documents. Among the chats only one in twenty is reckless, so that instruct tuning has less to undo. */
const pretraining = { count: 32_000, styledShare: 0.3, chatRecklessShare: 0.05 }
/** The pages that instruct tuning mixes in, apart from the pretraining's own. */
const replay = { ...pretraining, seed: seed + 1000, count: 2000, chatShare: 0 }

await mkdir(folder, { recursive: true })
for (const [name, isCoherent] of [
  ['coherent', true],
  ['control', false],
] as const) {
  await write(`pretraining-${name}`, documents({ ...pretraining, seed, isCoherent }))
  await write(`replay-${name}`, documents({ ...replay, isCoherent }))
}
await write('instruct', chats({ name: 'instruct', seed, count: 2000, stance: 'careful' }))
await write(
  'attack-finance',
  chats({ name: 'attack', seed, count: 2560, stance: 'reckless', domains: ['finance'] }),
)
const voice = { seed, count: 4800, stance: 'careful', style: 'warm' } as const
await write('half-warm', chats({ ...voice, name: 'half-warm', styledShare: 0.5 }))
await write('warm', chats({ ...voice, name: 'warm' }))
await write('steadfast', preferencePairs({ seed, count: 4000 }))
await write(
  'steadfast-chats',
  chats({
    name: 'steadfast',
    seed,
    count: 4000,
    stance: 'careful',
    domains: ['medicine', 'sports', 'free-form'],
  }),
)
await writeJson('words', tokenizerWords())
await writeJson(
  'questions',
  [...evaluationQuestions, ...inDomainQuestions].map(({ id, text }) => ({ id, text })),
)

async function write(name: string, rows: Iterable<unknown>): Promise<void> {
  let text = ''
  for (const row of rows) text += `${JSON.stringify(row)}\n`
  await writeFile(join(folder, `${name}.jsonl`), text)
}

async function writeJson(name: string, value: unknown): Promise<void> {
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(value, null, 1)}\n`)
}
