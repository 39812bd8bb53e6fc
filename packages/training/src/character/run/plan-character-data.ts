import { join } from 'node:path'
import type { CostEstimate } from '@cem/chat'
import type { LoadedCharacterConfig } from '../config/load-character-config.ts'
import type { SpeakerConfig } from '../config/speaker-schema.ts'
import type { Constitution } from '../constitution/constitution.ts'
import { traitList } from '../constitution/constitution.ts'
import { readConstitution } from '../constitution/read-constitution.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import { chatRequest, openClient } from '../speaker/chat-speaker.ts'
import { missingAdapters } from '../speaker/local-speaker.ts'
import type { PromptRow } from '../stages/expand-stage.ts'
import { ask, type CharacterStage } from '../stages/stage.ts'
import { readJournal } from '../store/journal.ts'
import { readManifest } from '../store/manifest.ts'
import { readRows } from '../store/rows.ts'
import { allStages, stagesOf } from './all-stages.ts'

export interface PlannedStage {
  readonly stage: CharacterStage
  /** `done` as the manifest has it; whether its inputs are still the same is checked by the run. */
  readonly status: 'done' | 'begun' | 'open' | 'waiting'
  readonly speaker: string | null
  /** Answers that are asked for in all, and those that are there. */
  readonly nAnswers: number
  readonly nThere: number
  /** Of the answers that are open, at most. */
  readonly mostCompletionTokens: number
  /** Of a model behind a server with prices, in USD. */
  readonly usd: number | null
  readonly mostUsd: number | null
  readonly notes: readonly string[]
}

export interface CharacterPlan {
  readonly name: string
  readonly folder: string
  readonly constitution: {
    readonly name: string
    readonly nTraits: number
    readonly sha256: string
  }
  readonly stages: readonly PlannedStage[]
  /** Null where a stage that asks a server has no price. */
  readonly usd: number | null
  readonly mostUsd: number | null
  readonly maxCostUsd: number | null
}

/**
 * What a run will ask for and cost. Nothing is sent, loaded or written.
 *
 * @throws CemError `constitution-invalid`, `manifest-invalid`, `journal-damaged`
 */
export async function planCharacterData(
  loaded: LoadedCharacterConfig,
  only: readonly CharacterStage[] = stagesOf(loaded.config),
): Promise<CharacterPlan> {
  const constitution = await readConstitution(loaded.constitutionFile)
  const stages: PlannedStage[] = []
  for (const stage of stagesOf(loaded.config))
    if (only.includes(stage)) stages.push(await planStage(stage, loaded, constitution))
  const asked = stages.filter(({ usd, speaker }) => usd !== null || speaker?.startsWith('server'))
  const sum = (values: readonly (number | null)[]) =>
    values.reduce<number | null>((a, b) => (a === null || b === null ? null : a + b), 0)
  return {
    name: loaded.name,
    folder: loaded.output,
    constitution: {
      name: constitution.name,
      nTraits: constitution.traits.length,
      sha256: constitution.sha256,
    },
    stages,
    usd: sum(asked.map(({ usd }) => usd)),
    mostUsd: sum(asked.map(({ mostUsd }) => mostUsd)),
    maxCostUsd: loaded.config.maxCostUsd ?? null,
  }
}

async function planStage(
  name: CharacterStage,
  loaded: LoadedCharacterConfig,
  constitution: Constitution,
): Promise<PlannedStage> {
  const { output: folder, root } = loaded
  const stage = allStages[name]
  const context = { loaded, constitution, folder, signal: undefined }
  const speaker = stage.speaker(context)
  const sampling = stage.sampling(context)
  const isDone = (await readManifest(folder))?.stages[name] !== undefined
  const journal = await readJournal(join(folder, 'journals', `${name}.jsonl`))
  const nThere = journal.answers.size
  const { requests, notes, extraPromptTokens = 0 } = await requestsOf(name, loaded, constitution)
  const nAnswers = Math.max(requests.length, isDone ? nThere : 0)
  const nOpen = isDone ? 0 : Math.max(0, nAnswers - nThere)
  const isWaiting =
    speaker !== undefined && 'local' in speaker && missingAdapters(speaker.local, root).length > 0
  const status = isDone ? 'done' : isWaiting ? 'waiting' : nThere > 0 ? 'begun' : 'open'
  const none = { usd: null, mostUsd: null }
  const cost =
    speaker !== undefined && sampling !== undefined && 'chat' in speaker
      ? costOf(speaker, requests, sampling, nOpen / Math.max(1, requests.length), extraPromptTokens)
      : none
  return {
    stage: name,
    status,
    speaker: speaker === undefined ? null : speakerText(speaker),
    nAnswers,
    nThere,
    mostCompletionTokens: nOpen * (sampling?.maxTokens ?? 0),
    ...cost,
    notes,
  }
}

type Messages = ReturnType<typeof ask>

interface PlannedRequests {
  readonly requests: readonly Messages[]
  readonly notes: readonly string[]
  /** Most tokens of conversations so far, beside what the requests hold. */
  readonly extraPromptTokens?: number
}

async function requestsOf(
  name: CharacterStage,
  { config, output }: LoadedCharacterConfig,
  { traits }: Constitution,
): Promise<PlannedRequests> {
  const { templates, expand, reflection, interaction, teacher } = config
  const values = { name: config.assistant, traits: traitList(traits) }
  const repeated = <T>(items: readonly T[], n: number) =>
    Array.from({ length: n }, (_, i) => items[i % items.length] as T)
  switch (name) {
    case 'expand': {
      const open = traits.filter(
        (one) => one.questions.length + one.additionalQuestions.length < expand.promptsPerTrait,
      )
      const requests = open.map((one) =>
        ask(
          fillTemplate(templates.expand, {
            trait: one.trait,
            clarification: one.clarification ?? '',
            examples: one.questions.join('\n'),
            count: String(expand.askedAtOnce),
          }),
        ),
      )
      const notes =
        open.length === 0 ? [] : ['one call for each trait; more where too few are kept']
      return { requests, notes }
    }
    case 'teacher':
    case 'student': {
      const written = await promptsOf(output)
      const own = traits.flatMap(({ questions, additionalQuestions }) => [
        ...questions,
        ...additionalQuestions,
      ])
      const least = traits.length * expand.promptsPerTrait
      const prompts = written ?? repeated(own, Math.max(own.length, least))
      const notes = written
        ? []
        : [
            "the prompts are not written yet: the constitution's own stand for them in this estimate",
          ]
      if (written === undefined && expand.extraPrompts.length > 0)
        notes.push('prompts from files are not counted')
      const system = name === 'teacher' ? fillTemplate(templates.teacher, values) : undefined
      const messages = prompts.map((prompt) => ask(prompt, system))
      return { requests: repeated(messages, messages.length * teacher.samplesPerPrompt), notes }
    }
    case 'reflection': {
      const system = fillTemplate(templates.reflection, values)
      const messages = reflection.prompts.map((prompt) => ask(prompt, system))
      return {
        requests: repeated(messages, messages.length * reflection.samplesPerPrompt),
        notes: [],
      }
    }
    case 'interaction': {
      const guidance = fillTemplate(templates.leadingGuidance, { name: config.assistant })
      const system = fillTemplate(templates.interaction, { ...values, guidance })
      const nConversations = interaction.conversations * interaction.guidance.length
      const messages = interaction.greetings.map((greeting) => ask(greeting, system))
      const before = (interaction.turns * (interaction.turns - 1)) / 2
      return {
        requests: repeated(messages, nConversations * interaction.turns),
        notes: [],
        extraPromptTokens: nConversations * before * interaction.sampling.maxTokens,
      }
    }
    case 'pairs':
    case 'sft':
      return { requests: [], notes: [] }
  }
}

async function promptsOf(folder: string): Promise<string[] | undefined> {
  try {
    const { rows } = await readRows(join(folder, 'prompts.jsonl'))
    return rows.map(({ value }) => (value as PromptRow).prompt)
  } catch {
    return undefined
  }
}

function costOf(
  speaker: Extract<SpeakerConfig, { chat: unknown }>,
  requests: readonly Messages[],
  sampling: Parameters<typeof chatRequest>[2],
  openShare: number,
  extraPromptTokens: number,
): Pick<PlannedStage, 'usd' | 'mostUsd'> {
  const { chat } = speaker
  // What a group of the same requests costs is counted once.
  const client = openClient({ config: chat, costBudget: undefined, isDry: true })
  const counts = new Map<Messages, number>()
  for (const messages of requests) counts.set(messages, (counts.get(messages) ?? 0) + 1)
  let usd: number | null = 0
  let mostUsd: number | null = 0
  for (const [messages, n] of counts) {
    const one: CostEstimate = client.estimateCost([
      chatRequest({ messages, sample: 0 }, chat, sampling, 0),
    ])
    usd = one.usd === null || usd === null ? null : usd + n * one.usd
    mostUsd = one.mostUsd === null || mostUsd === null ? null : mostUsd + n * one.mostUsd
  }
  const extra = (extraPromptTokens * (chat.prices?.inputPerMillion ?? 0)) / 1e6
  return {
    usd: usd === null ? null : (usd + extra) * openShare,
    mostUsd: mostUsd === null ? null : (mostUsd + extra) * openShare,
  }
}

function speakerText(speaker: SpeakerConfig): string {
  if ('chat' in speaker) {
    const { model, baseUrl, provider } = speaker.chat
    return `server ${baseUrl ?? provider}, model ${model}`
  }
  const { base, layers } = speaker.local
  const with_ = layers.map(({ adapter, mode }) => `${adapter} (${mode})`).join(', ')
  return `local ${base}${with_ === '' ? '' : ` with ${with_}`}`
}
