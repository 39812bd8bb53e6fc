import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createCostBudget } from '@cem/chat'
import { CemError, writeFileAtomic } from '@cem/core'
import { claimFolder } from '../../files/claim-folder.ts'
import type { LoadedCharacterConfig } from '../config/load-character-config.ts'
import type { SpeakerConfig } from '../config/speaker-schema.ts'
import { readConstitution } from '../constitution/read-constitution.ts'
import { missingAdapters } from '../speaker/local-speaker.ts'
import type { Speaker } from '../speaker/speaker.ts'
import {
  type CharacterStage,
  characterStages,
  type Stage,
  type StageContext,
} from '../stages/stage.ts'
import { costOf, spentBefore } from '../store/costs.ts'
import { fileSha256, inputsDrift, inputsHash } from '../store/inputs-hash.ts'
import { Journal, readJournal, setAside } from '../store/journal.ts'
import {
  type Manifest,
  manifestFormat,
  readManifest,
  type StageEntry,
  writeManifest,
} from '../store/manifest.ts'
import { allStages, stagesOf } from './all-stages.ts'
import type { CharacterEvent, CharacterOutcome } from './character-events.ts'
import { SpeakerHolder } from './speaker-holder.ts'
import { versions } from './versions.ts'

export interface RunCharacterDataOptions {
  readonly loaded: LoadedCharacterConfig
  /** Only these. @default all that the config provides for */
  readonly stages?: readonly CharacterStage[] | undefined
  /**
   * What happens to a stage that was made, or begun, from other inputs: `refuse` throws, `restart` moves what is there aside and makes
   * it anew.
   *
   * @default 'refuse'
   */
  readonly onChange?: 'refuse' | 'restart' | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes the data that a character is trained on, stage by stage, into the config's output folder. A stage that is there, made from the
 * same inputs, is passed over; one that was begun goes on where it was.
 *
 * @throws CemError `constitution-invalid`, `folder-busy`, `inputs-changed`, `stage-missing`, `journal-damaged`, `manifest-invalid`,
 *   `cost-limit`, `rows-invalid`, and those of @cem/chat and @cem/inference; the signal's reason
 */
export async function* runCharacterData({
  loaded,
  stages = stagesOf(loaded.config),
  onChange = 'refuse',
  signal,
}: RunCharacterDataOptions): AsyncGenerator<CharacterEvent, void> {
  signal?.throwIfAborted()
  const { output: folder, config, name } = loaded
  const constitution = await readConstitution(loaded.constitutionFile)
  const context: StageContext = { loaded, constitution, folder, signal }
  checkStages(stages, context)
  await using _lock = await claimFolder(folder, 'data')
  if (config.harmful) await writeFileAtomic(join(folder, '.gitignore'), '*\n')
  const spentUsd = await spentBefore(join(folder, 'journals'))
  const maxUsd = config.maxCostUsd ?? Number.MAX_SAFE_INTEGER
  const costBudget = createCostBudget({ maxUsd, alreadySpentUsd: spentUsd })
  const wanted = characterStages.filter((stage) => stages.includes(stage))
  yield { type: 'run-start', name, folder, stages: wanted, spentUsd }
  await using speakers = new SpeakerHolder({ root: loaded.root, costBudget, signal })
  let outcome: CharacterOutcome = 'complete'
  for (const stage of wanted) {
    outcome = yield* runStage(allStages[stage], context, { speakers, onChange })
    if (outcome !== 'complete') break
  }
  const { spentUsd: usd, possibleUsd } = costBudget.state()
  yield { type: 'run-end', outcome, spentUsd: usd + possibleUsd }
}

interface StageSettings {
  readonly speakers: SpeakerHolder
  readonly onChange: 'refuse' | 'restart'
}

async function* runStage(
  stage: Stage,
  context: StageContext,
  { speakers, onChange }: StageSettings,
): AsyncGenerator<CharacterEvent, CharacterOutcome> {
  const { loaded, folder, signal } = context
  const { name: unit } = stage
  signal?.throwIfAborted()
  const speakerConfig = stage.speaker(context)
  const missing = adaptersToTrain(speakerConfig, loaded.root)
  if (missing.length > 0) {
    const message = `${unit} needs the adapter ${missing.join(', ')}, which is not there. Train it on ${join(folder, 'dpo.jsonl')} (method dpo), then run the same command again.`
    yield { type: 'unit-waiting', unit, missing, message }
    return 'waiting'
  }
  const manifest = (await readManifest(folder)) ?? emptyManifest(context)
  const speaker = speakerConfig && (await speakers.take(speakerConfig))
  for (const message of await handEdits(stage, folder, manifest))
    yield { type: 'warning', unit, message }
  const inputs = await inputsOf(stage, context, speaker)
  const inputsSha256 = inputsHash(inputs)
  const journalPath = join(folder, 'journals', `${unit}.jsonl`)
  const { [unit]: before, ...others } = manifest.stages
  const begun = speaker === undefined ? undefined : (await readJournal(journalPath)).header
  if (before?.inputsSha256 === inputsSha256 && (await areThere(folder, before))) {
    yield { type: 'unit-skipped', unit, entry: before }
    return 'complete'
  }
  const changed = [before, begun].find((one) => one && one.inputsSha256 !== inputsSha256)
  if (changed !== undefined) {
    const reasons = inputsDrift(changed.inputs, inputs)
    if (onChange === 'refuse') throw inputsChanged(unit, folder, reasons)
    yield { type: 'unit-reset', unit, reasons }
    if (begun !== undefined && begun.inputsSha256 !== inputsSha256) await setAside(journalPath)
    if (before !== undefined) {
      for (const { path } of before.files) await setAside(join(folder, path))
      // So that a run that is killed from here on goes on with what it has anew.
      await writeManifest(folder, { ...emptyManifest(context), stages: others })
    }
  }
  yield { type: 'unit-start', unit, isResumed: changed === undefined && begun !== undefined }
  const startedAt = new Date()
  const header = {
    kind: 'header',
    unit,
    inputsSha256,
    inputs,
    startedAt: startedAt.toISOString(),
  } as const
  const sampling = stage.sampling(context)
  await using journal = speaker && (await Journal.open(journalPath, header))
  const asking = speaker &&
    journal &&
    sampling && {
      speaker,
      journal,
      session: randomUUID(),
      sampling,
      seed: loaded.config.seed,
      signal,
    }
  try {
    const work = stage.run(context, asking)
    let step = await work.next()
    for (; !step.done; step = await work.next())
      yield { type: 'unit-progress', unit, ...step.value, usd: speaker?.spent()?.usd ?? null }
    const result = step.value
    for (const message of result.warnings) yield { type: 'warning', unit, message }
    const content = await readJournal(journalPath)
    const entry: StageEntry = {
      inputsSha256,
      inputs,
      files: result.files,
      counts: result.counts,
      cost: costOf(content),
      answeredBy: content.answeredBy,
      startedAt: content.header?.startedAt ?? startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      versions: versions(),
    }
    const stages = { ...others, [unit]: entry }
    await writeManifest(folder, { ...emptyManifest(context), stages })
    yield { type: 'unit-end', unit, entry, durationInMs: Date.now() - startedAt.getTime() }
    return 'complete'
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'answers-missing') throw error
    yield { type: 'unit-incomplete', unit, message: error.message }
    return 'incomplete'
  }
}

function adaptersToTrain(config: SpeakerConfig | undefined, root: string): string[] {
  return config !== undefined && 'local' in config ? missingAdapters(config.local, root) : []
}

/** All that decides a stage's result. */
async function inputsOf(
  stage: Stage,
  context: StageContext,
  speaker: Speaker | undefined,
): Promise<Record<string, unknown>> {
  const { folder, loaded } = context
  const files: Record<string, string> = {}
  for (const path of stage.reads) {
    if (!(await isThere(join(folder, path)))) throw stageMissing(stage, path, folder)
    files[path] = await fileSha256(join(folder, path))
  }
  return {
    stage: stage.name,
    ...(speaker && { seed: loaded.config.seed, sampling: stage.sampling(context) }),
    ...(speaker && { speaker: await speaker.identity() }),
    files,
    ...(await stage.inputs(context)),
  }
}

/** Files of earlier stages that are no longer as those wrote them: somebody chose, which is fine and has to be known. */
async function handEdits(stage: Stage, folder: string, manifest: Manifest): Promise<string[]> {
  const notes: string[] = []
  for (const path of stage.reads) {
    const written = Object.values(manifest.stages)
      .flatMap(({ files }) => files)
      .find((file) => file.path === path)
    const full = join(folder, path)
    if (written === undefined || !(await isThere(full))) continue
    if ((await fileSha256(full)) !== written.sha256)
      notes.push(
        `${path} was changed after its stage wrote it; it is read as it is now, and its hash is among the inputs of ${stage.name}`,
      )
  }
  return notes
}

function emptyManifest({ loaded, constitution }: StageContext): Manifest {
  const { config, name } = loaded
  const { speakers, expand } = config
  const terms: Record<string, string | null> = { constitution: constitution.license }
  for (const [role, speaker] of Object.entries(speakers))
    if (speaker !== undefined)
      terms[role] = ('chat' in speaker ? speaker.chat.terms : speaker.local.terms) ?? null
  for (const { file, license } of expand.extraPrompts) terms[file] = license ?? null
  return {
    format: manifestFormat,
    name,
    assistant: config.assistant,
    seed: config.seed,
    constitution: {
      name: constitution.name,
      format: constitution.format,
      sha256: constitution.sha256,
      license: constitution.license,
    },
    harmful: config.harmful,
    canary: config.canary ?? null,
    terms,
    stages: {},
  }
}

async function areThere(folder: string, { files }: StageEntry): Promise<boolean> {
  for (const { path } of files) if (!(await isThere(join(folder, path)))) return false
  return true
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

function checkStages(stages: readonly string[], { loaded }: StageContext): void {
  const allowed = stagesOf(loaded.config)
  for (const stage of stages) {
    if (allowed.some((one) => one === stage)) continue
    const isKnown = characterStages.some((one) => one === stage)
    throw new CemError({
      code: 'stage-unknown',
      message: isKnown
        ? `The stage ${stage} needs speakers.introspector in the config: the student with the adapter that was trained on the pairs.`
        : `There is no stage '${stage}'; allowed are ${allowed.join(', ')}.`,
      data: { stage, allowed },
    })
  }
}

function stageMissing(stage: Stage, path: string, folder: string): CemError {
  const writer = { 'prompts.jsonl': 'expand' }[path] ?? path.replace('.jsonl', '')
  return new CemError({
    code: 'stage-missing',
    message: `The stage ${stage.name} reads ${path}, which is not in ${folder}. Run the stage ${writer} first.`,
    data: { stage: stage.name, path, folder },
  })
}

function inputsChanged(unit: string, folder: string, reasons: readonly string[]): CemError {
  return new CemError({
    code: 'inputs-changed',
    message: `The stage ${unit} in ${folder} was made from other inputs:\n${reasons.map((one) => `- ${one}`).join('\n')}\nTake another output folder, put the inputs back, or have it done anew (--restart-changed): what is there is moved aside.`,
    data: { unit, folder, reasons },
  })
}
