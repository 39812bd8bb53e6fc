import { CemError, messageOf } from '@cem/core'
import { Template } from '@huggingface/jinja'
import { withPythonSpaces } from './python-spaces.ts'
import { runTemplate } from './run-template.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** A model's chat template: chat_template.jinja where there is one, else `chat_template` of tokenizer_config.json. */
export class ChatTemplate {
  readonly #template: Template | undefined
  readonly #source: string
  readonly #specialTokens: Readonly<Record<string, string>>
  readonly #folder: string
  readonly #now: Date

  private constructor(
    source: string | undefined,
    specialTokens: Readonly<Record<string, string>>,
    folder: string,
    now: Date,
  ) {
    this.#template = source === undefined ? undefined : new Template(source)
    this.#source = source ?? ''
    this.#specialTokens = specialTokens
    this.#folder = folder
    this.#now = now
  }

  /** @param now the moment that `strftime_now` writes */
  static from(
    config: unknown,
    templateFile: string | undefined,
    folder: string,
    now: Date,
  ): ChatTemplate {
    const source = templateFile ?? templateOf(config)
    try {
      return new ChatTemplate(source, readSpecialTokens(config), folder, now)
    } catch (error) {
      throw failed(folder, error)
    }
  }

  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    if (this.#template === undefined)
      throw new CemError({
        code: 'chat-template-missing',
        message: `The model in ${this.#folder} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json).`,
        data: { folder: this.#folder },
      })
    const template = this.#template
    const variables = {
      ...this.#specialTokens,
      // As Transformers has them where there are none: `tools is not none` holds for a variable that is not defined.
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    }
    try {
      return withPythonSpaces(messages, this.#source, (shown) => {
        const own = shown.map(({ role, content }) => ({ role, content }))
        return runTemplate(template, { ...variables, messages: own }, this.#now)
      })
    } catch (error) {
      throw failed(this.#folder, error)
    }
  }

  /** What the template writes after an assistant's answer. */
  closingText(): string {
    const answer = 'closing text probe'
    const question = { role: 'user', content: 'question' } as const
    const rendered = this.render([question, { role: 'assistant', content: answer }], false)
    const at = rendered.lastIndexOf(answer)
    if (at === -1)
      throw failed(this.#folder, new Error('it does not write an assistant answer as it was given'))
    return rendered.slice(at + answer.length)
  }
}

/** `chat_template` is a text, or a list of named ones of which `default` counts. */
function templateOf(config: unknown): string | undefined {
  const value = (config as { chat_template?: unknown }).chat_template
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.find((item) => (item as { name?: unknown })?.name === 'default')
  const template = (named as { template?: unknown } | undefined)?.template
  return typeof template === 'string' ? template : undefined
}

function readSpecialTokens(config: unknown): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const [key, value] of Object.entries(config as object)) {
    if (!/^(bos|eos|pad|unk|sep|cls|mask)_token$/.test(key)) continue
    const text =
      typeof value === 'string' ? value : (value as { content?: unknown } | null)?.content
    if (typeof text === 'string') tokens[key] = text
  }
  return tokens
}

function failed(folder: string, error: unknown): CemError {
  return new CemError({
    code: 'chat-template-failed',
    message: `The chat template of ${folder} failed: ${messageOf(error)}`,
    data: { folder },
    cause: error,
  })
}
