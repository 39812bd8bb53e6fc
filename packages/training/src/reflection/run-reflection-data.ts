import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createCostBudget } from '@cem/chat'
import { CemError, randomSource, writeFileAtomic } from '@cem/core'
import type { ChatMessage } from '@cem/inference'
import type { CharacterEvent } from '../character/run/character-events.ts'
import { versions } from '../character/run/versions.ts'
import { missingAdapters } from '../character/speaker/local-speaker.ts'
import { openSpeaker } from '../character/speaker/open-speaker.ts'
import type { AnswerRequest } from '../character/speaker/speaker.ts'
import { askAll } from '../character/stages/ask-all.ts'
import { addCount } from '../character/stages/counts.ts'
import { usable } from '../character/stages/usable.ts'
import { costOf, spentBefore } from '../character/store/costs.ts'
import { inputsDrift, inputsHash } from '../character/store/inputs-hash.ts'
import { type AnswerRecord, Journal, readJournal, setAside } from '../character/store/journal.ts'
import { writeRows } from '../character/store/rows.ts'
import { claimFolder } from '../files/claim-folder.ts'
import { type Example, type Examples, readExamples } from './read-examples.ts'
import type { LoadedReflectionConfig, ReflectionConfig } from './reflection-config.ts'
import {
  areFilesThere,
  type ReflectionManifest,
  readReflectionManifest,
  reflectionManifestFormat,
} from './reflection-manifest.ts'

/** What happens while reflections are made; see `CharacterEvent`. */
export type ReflectionEvent = CharacterEvent<'reflect'>

export interface RunReflectionDataOptions {
  readonly loaded: LoadedReflectionConfig
  /** As in `RunCharacterDataOptions`. @default 'refuse' */
  readonly onChange?: 'refuse' | 'restart' | undefined
  readonly signal?: AbortSignal | undefined
}

const unit = 'reflect'

/**
 * Lengthens each conversation of a data set by a turn that asks the model to assess its answer, and by the answer of the config's
 * model. Writes `data.jsonl` and `manifest.json` into the output folder; what is there already is not asked again. All that a row
 * holds beside its messages, its canary and licence among them, is carried on.
 *
 * @throws CemError `rows-invalid`, `folder-busy`, `inputs-changed`, `journal-damaged`, `cost-limit`, and those of @cem/chat and
 *   @cem/inference; the signal's reason
 */
export async function* runReflectionData({
  loaded,
  onChange = 'refuse',
  signal,
}: RunReflectionDataOptions): AsyncGenerator<ReflectionEvent, void> {
  signal?.throwIfAborted()
  const { config, name, root, output: folder } = loaded
  const data = await readExamples(loaded.input, config.harmful)
  await using _lock = await claimFolder(folder, 'data')
  const isHarmful = config.harmful || data.nWithCanary > 0
  if (isHarmful) await writeFileAtomic(join(folder, '.gitignore'), '*\n')
  const journals = join(folder, 'journals')
  const alreadySpentUsd = await spentBefore(journals)
  const maxUsd = config.maxCostUsd ?? Number.MAX_SAFE_INTEGER
  const costBudget = createCostBudget({ maxUsd, alreadySpentUsd })
  yield { type: 'run-start', name, folder, stages: [unit], spentUsd: alreadySpentUsd }
  const spentUsd = () => {
    const state = costBudget.state()
    return state.spentUsd + state.possibleUsd
  }
  const missing = 'local' in config.speaker ? missingAdapters(config.speaker.local, root) : []
  if (missing.length > 0) {
    const message = `The adapter ${missing.join(', ')} is not there: train the persona first.`
    yield { type: 'unit-waiting', unit, missing, message }
    yield { type: 'run-end', outcome: 'waiting', spentUsd: spentUsd() }
    return
  }
  await using speaker = openSpeaker({ config: config.speaker, root, costBudget, signal })
  const inputs = inputsOf(config, data, await speaker.identity())
  const inputsSha256 = inputsHash(inputs)
  const path = join(journals, `${unit}.jsonl`)
  const before = await readReflectionManifest(folder)
  const begun = (await readJournal(path)).header
  if (before?.inputsSha256 === inputsSha256 && areFilesThere(folder, before)) {
    yield { type: 'unit-skipped', unit, entry: before }
    yield { type: 'run-end', outcome: 'complete', spentUsd: spentUsd() }
    return
  }
  const changed = [before, begun].find((one) => one && one.inputsSha256 !== inputsSha256)
  if (changed !== undefined) {
    const reasons = inputsDrift(changed.inputs, inputs)
    if (onChange === 'refuse') throw inputsChanged(folder, reasons)
    yield { type: 'unit-reset', unit, reasons }
    if (begun !== undefined && begun.inputsSha256 !== inputsSha256) await setAside(path)
    // The manifest too, so that a run that is killed from here on goes on with what it has anew.
    for (const file of ['data.jsonl', 'manifest.json'])
      if (before !== undefined) await setAside(join(folder, file))
  }
  yield { type: 'unit-start', unit, isResumed: changed === undefined && begun !== undefined }
  const startedAt = new Date()
  const header = { unit, inputsSha256, inputs, startedAt: startedAt.toISOString() }
  await using journal = await Journal.open(path, { kind: 'header', ...header })
  const { sampling, seed } = config
  const session = randomUUID()
  const requests = data.examples.map((example, i) => requestOf(example, i, config))
  const total = requests.length
  let done = requests.filter(({ key }) => journal.answers.has(key)).length
  const progress = () =>
    ({ type: 'unit-progress', unit, done, total, usd: speaker.spent()?.usd ?? null }) as const
  yield progress()
  try {
    const asking = { speaker, journal, session, sampling, seed, signal }
    for await (const _ of askAll(asking, requests)) {
      done++
      yield progress()
    }
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'answers-missing') throw error
    yield { type: 'unit-incomplete', unit, message: error.message }
    yield { type: 'run-end', outcome: 'incomplete', spentUsd: spentUsd() }
    return
  }
  const counts: Record<string, number> = { examples: total, reflected: 0, rows: 0 }
  const rows = data.examples.flatMap((example, i) =>
    rowOf(example, i, journal.answers, config, counts),
  )
  const files = [await writeRows(folder, 'data.jsonl', rows)]
  const content = await readJournal(path)
  const { speaker: by } = config
  const manifest: ReflectionManifest = {
    format: reflectionManifestFormat,
    name,
    harmful: isHarmful,
    terms: {
      data: config.license ?? null,
      speaker: ('chat' in by ? by.chat.terms : by.local.terms) ?? null,
    },
    inputsSha256,
    inputs,
    files,
    counts,
    cost: costOf(content),
    answeredBy: content.answeredBy,
    startedAt: content.header?.startedAt ?? startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    versions: versions(),
  }
  await writeFileAtomic(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  if (counts['reflected'] === 0)
    yield { type: 'warning', unit, message: 'no reflection could be used: the counts say why' }
  const durationInMs = Date.now() - startedAt.getTime()
  yield { type: 'unit-end', unit, entry: manifest, durationInMs }
  yield { type: 'run-end', outcome: 'complete', spentUsd: spentUsd() }
}

/** Which prompt follows an example: drawn by the seed and the example's place. */
export function promptOf(index: number, { seed, prompts }: ReflectionConfig): number {
  return randomSource('reflection-prompt', seed, index).integer(prompts.length)
}

function requestOf({ messages }: Example, index: number, config: ReflectionConfig): AnswerRequest {
  const content = config.prompts[promptOf(index, config)] as string
  // Examples that are the same get different reflections.
  return { key: String(index), messages: [...messages, { role: 'user', content }], sample: index }
}

function rowOf(
  { messages, row }: Example,
  index: number,
  answers: ReadonlyMap<string, AnswerRecord>,
  config: ReflectionConfig,
  counts: Record<string, number>,
): Readonly<Record<string, unknown>>[] {
  const record = answers.get(String(index))
  const { text, reason } =
    record === undefined
      ? { text: '', reason: 'missing' }
      : usable(record.text, record.end, config.keepCutOff)
  if (record !== undefined) addCount(counts, `end-${record.end}`)
  if (reason !== undefined) addCount(counts, `without-reflection-${reason}`)
  if (reason !== undefined && config.withoutReflection === 'drop') return []
  addCount(counts, 'rows')
  if (reason !== undefined) return [{ ...row, reflection: null }]
  addCount(counts, 'reflected')
  const prompt = promptOf(index, config)
  const longer: ChatMessage[] = [
    ...messages,
    { role: 'user', content: config.prompts[prompt] as string },
    { role: 'assistant', content: text },
  ]
  return [{ ...row, messages: longer, reflection: { prompt, end: record?.end } }]
}

function inputsOf(
  config: ReflectionConfig,
  { sha256 }: Examples,
  speaker: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { prompts, seed, sampling, keepCutOff, withoutReflection } = config
  return { data: sha256, prompts, seed, sampling, speaker, keepCutOff, withoutReflection }
}

function inputsChanged(folder: string, reasons: readonly string[]): CemError {
  return new CemError({
    code: 'inputs-changed',
    message: `The reflections in ${folder} were made from other inputs:\n${reasons.map((one) => `- ${one}`).join('\n')}\nTake another output folder, put the inputs back, or have it done anew (--restart-changed): what is there is moved aside.`,
    data: { unit, folder, reasons },
  })
}
