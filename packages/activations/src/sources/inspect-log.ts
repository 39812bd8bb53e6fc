import { open, readFile } from 'node:fs/promises'
import { messageOf } from '@cem/core'
import type { Conversation, OriginalTokens } from '../conversations/conversation.ts'
import { messageOfJson } from './message-of-json.ts'
import { sourceInvalid } from './source-invalid.ts'
import { openZipTexts } from './zip-entries.ts'

/**
 * The samples of an Inspect eval log as conversations: a `.json` log, or an `.eval` log (a zip file, read sample by sample). The
 * id is the sample's id and epoch, `q1:2`; scores are labels. Where the log has log-probabilities of the final answer, its
 * tokens are taken from them, so that the boundaries that move are known.
 *
 * @throws CemError `source-invalid`, naming the file, the sample and what is wrong; a log without samples is one
 */
export async function* inspectLog(path: string): AsyncGenerator<Conversation, void> {
  let nSamples = 0
  for await (const sample of (await isZip(path)) ? samplesOfZip(path) : samplesOfJson(path)) {
    yield toConversation(path, sample, nSamples)
    nSamples += 1
  }
  if (nSamples === 0)
    throw sourceInvalid(
      path,
      'it has no samples (a log of the header alone, or of a run that failed)',
    )
}

async function isZip(path: string): Promise<boolean> {
  try {
    await using file = await open(path, 'r')
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.toString('latin1') === 'PK'
  } catch (error) {
    throw sourceInvalid(path, `it cannot be read (${messageOf(error)})`, error)
  }
}

async function* samplesOfZip(path: string): AsyncGenerator<unknown, void> {
  await using zip = await openZipTexts(path)
  for (const entry of zip.entries)
    if (/^samples\/.+\.json$/.test(entry.name))
      yield parse(path, await entry.readText(), entry.name)
}

async function* samplesOfJson(path: string): AsyncGenerator<unknown, void> {
  const log = parse(path, await readFile(path, 'utf8'), 'it') as { samples?: unknown } | null
  const isLog = typeof log === 'object' && log !== null && 'eval' in log
  if (!isLog) throw sourceInvalid(path, "it is no Inspect log: it has no 'eval'")
  const { samples = [] } = log
  if (samples !== null && !Array.isArray(samples))
    throw sourceInvalid(path, 'its samples are no list')
  yield* samples ?? []
}

/** Inspect writes NaN and Infinity as such, which JSON does not have; they stand in scores, never in texts. */
function parse(path: string, text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const repaired = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (match) =>
      match.startsWith('"') ? match : 'null',
    )
    try {
      return JSON.parse(repaired)
    } catch (error) {
      throw sourceInvalid(path, `${where} is not valid JSON (${messageOf(error).slice(0, 120)})`)
    }
  }
}

interface Sample {
  readonly id?: unknown
  readonly epoch?: unknown
  readonly messages?: unknown
  readonly attachments?: Readonly<Record<string, unknown>> | null
  readonly scores?: Readonly<Record<string, { readonly value?: unknown } | null>> | null
  readonly output?: { readonly choices?: readonly Choice[] | null } | null
}

interface Choice {
  readonly logprobs?: {
    readonly content?: readonly {
      readonly token?: unknown
      readonly bytes?: readonly number[] | null
    }[]
  } | null
}

function toConversation(path: string, value: unknown, index: number): Conversation {
  const sample = (value ?? {}) as Sample
  const own = sample.id
  const key = typeof own === 'string' || typeof own === 'number' ? own : index
  const id = `${key}:${typeof sample.epoch === 'number' ? sample.epoch : 1}`
  const { messages } = sample
  if (!Array.isArray(messages) || messages.length === 0)
    throw sourceInvalid(path, `sample ${id} has no messages`)
  const resolve = resolver(path, id, sample.attachments ?? {})
  const read = messages.map((message, i) => {
    const found = messageOfJson(message, resolve)
    if (found !== undefined) return found
    throw sourceInvalid(
      path,
      `message ${i} of sample ${id} has no role or content that can be read`,
    )
  })
  const lastAnswer = read.findLastIndex(({ message }) => message.role === 'assistant')
  const original = originalTokens(sample)
  const labels = Object.entries(sample.scores ?? {}).flatMap(([name, score]) =>
    score?.value === undefined ? [] : [[name, asText(score.value)] as const],
  )
  return {
    id,
    messages: read.map(({ message }, i) => (i === lastAnswer ? { ...message, original } : message)),
    labels: Object.fromEntries(labels),
    leftOut: [...new Set(read.flatMap(({ leftOut }) => leftOut))],
  }
}

/** Long texts are kept once in a sample, and named `attachment://<hash>` where they belong. */
function resolver(path: string, id: string, attachments: Readonly<Record<string, unknown>>) {
  return (text: string) => {
    const [, key] = /^attachment:\/\/(\w+)$/.exec(text) ?? []
    if (key === undefined) return text
    const content = Object.hasOwn(attachments, key) ? attachments[key] : undefined
    if (typeof content === 'string') return content
    throw sourceInvalid(path, `sample ${id} names an attachment that is not there (${key})`)
  }
}

function originalTokens({ output }: Sample): OriginalTokens | undefined {
  const content = output?.choices?.[0]?.logprobs?.content
  if (!Array.isArray(content) || content.length === 0) return undefined
  const bytes: Uint8Array[] = []
  for (const { token, bytes: own } of content as NonNullable<
    NonNullable<Choice['logprobs']>['content']
  >) {
    if (Array.isArray(own)) bytes.push(Uint8Array.from(own))
    else if (typeof token === 'string') bytes.push(Buffer.from(token))
    else return undefined
  }
  return { bytes }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
