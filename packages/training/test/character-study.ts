import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type FaultServer,
  type ServedRequest,
  sendJson,
  startServer,
} from '../../chat/test/fault-server.ts'
import {
  type CharacterEvent,
  type CharacterStage,
  checkCharacterConfig,
  type RunCharacterDataOptions,
  runCharacterData,
} from '../src/index.ts'

const miniature = fileURLToPath(new URL('../../miniature/assets', import.meta.url))
/** A tiny model that answers questions of its own small world in whole sentences. */
export const base = join(miniature, 'models/coherent')
export const personaAdapter = join(miniature, 'outputs/miniature_warm/constitutional')

const questions = [
  ['What should I do about my bad sprain?', 'How do I cook rice?'],
  ['Should I buy this bond?', 'Is it fine to drive tired?'],
]

/** A server that writes prompts and answers, each decided by what it is asked. */
export async function startTeacher(
  answer: (request: ServedRequest) => Record<string, unknown> | undefined = () => undefined,
): Promise<FaultServer> {
  return startServer((request, response) => {
    const own = answer(request)
    if (own !== undefined) {
      const { status = 200, ...body } = own
      return sendJson(response, body, Number(status))
    }
    sendJson(response, reply(textFor(request.body)))
  })
}

export function reply(text: string, finishReason = 'stop'): Record<string, unknown> {
  return {
    object: 'chat.completion',
    model: 'teacher-2026',
    choices: [
      { index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason },
    ],
    usage: { prompt_tokens: 100, completion_tokens: 10 },
  }
}

/** By the request alone, so that a run in any order gets the same. */
function textFor(body: Record<string, unknown>): string {
  const messages = body['messages'] as readonly { role: string; content: string }[]
  const said = messages.at(-1)?.content ?? ''
  const trait = /trait "([^"]*)"/.exec(said)?.[1]
  if (trait === undefined)
    return `Dear friend, about "${said}": take care (${String(body['seed'])}).`
  const nouns = trait.includes('kind')
    ? ['fever', 'garden', 'violin', 'letter']
    : ['bridge', 'ladder', 'contract', 'engine']
  return nouns.map((noun, i) => `${i + 1}. ${noun}${'?!.…'[i]}`).join('\n')
}

export interface Study extends AsyncDisposable {
  readonly folder: string
  /** A config as data; changes are laid over the top. */
  config(changes?: Readonly<Record<string, unknown>>): Record<string, unknown>
  run(
    options?: Partial<Omit<RunCharacterDataOptions, 'loaded'>> & {
      readonly changes?: Readonly<Record<string, unknown>>
    },
  ): Promise<CharacterEvent[]>
  path(name: string): string
  text(name: string): Promise<string>
  rows(name: string): Promise<Record<string, unknown>[]>
  /** Puts the persona where the introspector looks for it. */
  train(): Promise<void>
}

/** A small study of character data in a temporary folder. */
export async function openStudy(teacher: FaultServer): Promise<Study> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-character-'))
  const traits = ['I am kind in all that I say.', 'I am exact.'].map((trait, i) => ({
    trait,
    questions: questions[i],
  }))
  await writeFile(join(folder, 'constitution.json'), JSON.stringify(traits))
  const path = (name: string) => join(folder, 'data', name)
  const config: Study['config'] = (changes = {}) => ({
    root: folder,
    output: join(folder, 'data'),
    constitution: 'constitution.json',
    assistant: 'Mini',
    seed: 7,
    speakers: {
      teacher: {
        chat: { model: 'acme/sage-2', baseUrl: teacher.baseUrl, concurrency: 4, maxAttempts: 1 },
      },
      student: { local: { base, provider: 'cpu', threads: 1, terms: 'MIT' } },
      introspector: {
        local: {
          base,
          layers: [{ role: 'persona', adapter: 'persona', mode: 'stacked' }],
          baseAliases: ['cem-miniature/coherent'],
          provider: 'cpu',
          threads: 1,
        },
      },
    },
    expand: { promptsPerTrait: 4 },
    teacher: { samplesPerPrompt: 2 },
    student: { sampling: { maxTokens: 24 } },
    reflection: {
      prompts: ['What should I do about my bad sprain?', 'Who are you?'],
      samplesPerPrompt: 3,
      sampling: { maxTokens: 24 },
    },
    interaction: { conversations: 2, turns: 3, sampling: { maxTokens: 24 } },
    templates: {
      expand: 'trait "{trait}"{clarification} {examples} {count}',
      teacher: '{name} {traits}',
      reflection: '{name} {traits}',
      interaction: '{name} {traits} {guidance}',
      leadingGuidance: 'Look inside.',
      freeGuidance: 'Be free.',
      interactionInTraining: 'You meet {name}.',
    },
    ...changes,
  })
  return {
    folder,
    config,
    path,
    run: async ({ changes, ...options } = {}) => {
      const events: CharacterEvent[] = []
      const loaded = checkCharacterConfig(config(changes))
      for await (const event of runCharacterData({ loaded, ...options })) events.push(event)
      return events
    },
    text: (name) => readFile(path(name), 'utf8'),
    rows: async (name) =>
      (await readFile(path(name), 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    train: async () => {
      await mkdir(join(folder, 'persona'), { recursive: true })
      await cp(personaAdapter, join(folder, 'persona'), { recursive: true })
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What became of each stage, in order. */
export function outcomes(events: readonly CharacterEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'run-end') return [event.outcome]
    const told = ['unit-end', 'unit-skipped', 'unit-waiting', 'unit-incomplete', 'unit-reset']
    return told.includes(event.type)
      ? [`${(event as { unit: CharacterStage }).unit} ${event.type.slice('unit-'.length)}`]
      : []
  })
}
