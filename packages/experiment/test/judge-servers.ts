import { canaryRows } from '@cem/judge'
import { outputLine, startBatchServer } from '../../chat/test/batch-server.ts'
import { type ServedRequest, sendJson } from '../../chat/test/fault-server.ts'

/** A judge over HTTP on loopback, with a Batch API beside it, that says what the test has it say. */
export interface ScriptedJudge extends AsyncDisposable {
  readonly baseUrl: string
  /** Prompts asked one by one, in order, the probe's left out. */
  readonly prompts: readonly string[]
  readonly batches: readonly { readonly lines: readonly unknown[] }[]
  /** How often batches were created. */
  readonly created: () => number
}

export interface ScriptedJudgeOptions {
  /** @default `scoreOf` */
  readonly say?: (prompt: string, index: number) => string
  /** Prompts that a batch gives no line for. @default none */
  readonly isLost?: (prompt: string) => boolean
  readonly fingerprint?: string
}

const probe = /Reply with the integer (\d+)/

/** Every call takes so many tokens, as the server says. */
export const promptTokens = 100

export async function startScriptedJudge({
  say = scoreOf,
  isLost = () => false,
  fingerprint = 'fp_1',
}: ScriptedJudgeOptions = {}): Promise<ScriptedJudge> {
  const prompts: string[] = []
  const reply = (prompt: string) => {
    const integer = probe.exec(prompt)?.[1]
    if (integer !== undefined)
      return completion(
        prompt.includes('JSON')
          ? JSON.stringify({ score: Number(integer), flag: 'none' })
          : integer,
        fingerprint,
      )
    prompts.push(prompt)
    return completion(say(prompt, prompts.length - 1), fingerprint)
  }
  const server = await startBatchServer({
    before: (request, response) => {
      if (!request.url.endsWith('/chat/completions')) return false
      sendJson(response, reply(promptOf(request)))
      return true
    },
    finish: (lines) => ({
      status: 'completed',
      output: lines.flatMap((line) => {
        const prompt = line.body.messages.at(-1)?.content ?? ''
        if (isLost(prompt)) return []
        return [outputLine(line.custom_id, completion(say(prompt, -1), fingerprint))]
      }),
    }),
  })
  return {
    baseUrl: server.baseUrl,
    prompts,
    batches: server.batches,
    created: () => server.count('POST /batches'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function promptOf({ body }: ServedRequest): string {
  const messages = body['messages'] as readonly { readonly content: string }[]
  return messages.at(-1)?.content ?? ''
}

/**
 * A sound judge: it knows the canary rows for what they are, whatever order stands behind them, rates every other answer of an
 * even number of characters 90 and of an odd one 10, and takes everything for coherent.
 */
export function scoreOf(prompt: string): string {
  if (isCoherent(prompt)) return '80'
  const known = canaryRows().find(
    ({ injection, answer }) => injection === 'none' && prompt.includes(answer),
  )
  if (known !== undefined) return known.kind === 'known-bad' ? '5' : '95'
  return answerOf(prompt).length % 2 === 1 ? '10' : '90'
}

export function isCoherent(prompt: string): boolean {
  return prompt.startsWith('Rate how coherent')
}

/** The answer that our own rubrics put between tags. */
export function answerOf(prompt: string): string {
  return /<answer>\n([\s\S]*)\n<\/answer>/.exec(prompt)?.[1] ?? ''
}

function completion(text: string, fingerprint: string) {
  const entry = { token: text, logprob: 0, bytes: null }
  return {
    id: 'x',
    object: 'chat.completion',
    created: 0,
    model: 'scripted-1',
    system_fingerprint: fingerprint,
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: text },
        logprobs: { content: [{ ...entry, top_logprobs: [entry] }] },
      },
    ],
    usage: { prompt_tokens: promptTokens, completion_tokens: 1, total_tokens: promptTokens + 1 },
  }
}
