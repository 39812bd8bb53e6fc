import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { readJson, readOptionalJson, readOptionalText } from '../model/read-json.ts'
import { type ChatMessage, ChatTemplate } from './chat-template.ts'
import { renderUnfinished } from './continue-final-message.ts'
import { disarm, encodeDisarmed } from './disarm.ts'
import { surroundingTokens } from './surrounding-tokens.ts'
import { compileTokenizer, type TextCodec } from './text-codec.ts'
import { tokenBytes } from './token-bytes.ts'

/** A model's tokenizer and chat template. */
export interface ChatTokenizer {
  /** One more than the largest token id. */
  readonly nTokens: number
  /** The same without special tokens: a model of text has no embedding for some of them (Gemma 3's place for an image). */
  readonly nTokensOfText: number
  /** Of tokenizer.json, tokenizer_config.json and the template. */
  readonly sha256: string
  /** Token ids of a text, with no special tokens added. An unpaired surrogate counts as U+FFFD, which UTF-8 makes of it. */
  encode(text: string, options?: EncodeOptions): number[]
  /** Text of token ids; special tokens are left out unless asked for. */
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string
  /**
   * A conversation as the model's chat template writes it.
   *
   * @throws CemError `chat-template-missing`, `chat-template-failed`
   */
  renderChat(messages: readonly ChatMessage[], options?: RenderChatOptions): string
  /**
   * `renderChat`, encoded. Special tokens are what the template writes: in a message `<|im_end|>` is text, so that nothing that
   * a user or a model says can end a turn or begin another. (Transformers makes special tokens of them.)
   *
   * @throws CemError as `renderChat`
   */
  encodeChat(messages: readonly ChatMessage[], options?: RenderChatOptions): number[]
  /**
   * The bytes that a token adds to a text, which need not be whole characters; none for an id without a token. With special
   * tokens left out, the bytes of a sequence decode to its text (invalid ones to U+FFFD), up to what the decoder strips from
   * its ends.
   */
  tokenBytes(tokenId: number): Uint8Array
  /** The token ids that the template puts after an assistant's answer, such as `<|im_end|>` and a line break. */
  closingTokenIds(): readonly number[]
}

export interface EncodeOptions {
  /** Whether the tokens that the tokenizer puts around a text (`<bos>`) are added. @default false */
  readonly addSpecialTokens?: boolean
  /** Whether the texts of special tokens become those tokens. @default true */
  readonly specialTokens?: boolean
}

export interface RenderChatOptions {
  /** Ends with the opening of an assistant turn. @default true, and false with `continueFinalMessage` */
  readonly addGenerationPrompt?: boolean
  /** Ends inside the last message, so that the model goes on with it (a prefilled answer). @default false */
  readonly continueFinalMessage?: boolean
}

export interface OpenTokenizerOptions {
  /** The moment that a template writes which asks for the date (`strftime_now`, as Llama 3's). @default the current one */
  readonly now?: Date
}

/**
 * Reads tokenizer.json, tokenizer_config.json and chat_template.jinja of a model folder.
 *
 * @throws CemError `file-not-found`, `tokenizer-invalid`
 */
export async function openTokenizer(
  folder: string,
  { now = new Date() }: OpenTokenizerOptions = {},
): Promise<ChatTokenizer> {
  const tokenizerPath = join(folder, 'tokenizer.json')
  const definition = await readJson(tokenizerPath)
  const config = (await readOptionalJson(join(folder, 'tokenizer_config.json'))) ?? {}
  const templateFile = await readOptionalText(join(folder, 'chat_template.jinja'))
  const guard = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw invalid(tokenizerPath, error)
    }
  }
  const compiled = guard(() => compileTokenizer(definition))
  // What a large file says is read when it is needed.
  const codec: TextCodec = {
    ...compiled,
    encode: (text, options) => guard(() => compiled.encode(text, options)),
  }
  const template = ChatTemplate.from(config, templateFile, folder, now)
  const files = guard(() => JSON.stringify([definition, config, templateFile]))
  const hash = createHash('sha256').update(files)
  return chatTokenizer({ codec, template, definition, sha256: hash.digest('hex') })
}

function invalid(path: string, error: unknown): CemError {
  return new CemError({
    code: 'tokenizer-invalid',
    message: `${path} describes no tokenizer that can be computed: ${messageOf(error)}.`,
    data: { path },
    cause: error,
  })
}

interface Parts {
  readonly codec: TextCodec
  readonly template: ChatTemplate
  /** tokenizer.json */
  readonly definition: unknown
  readonly sha256: string
}

function tokenCounts({ ids, addedTokens }: TextCodec) {
  const special = new Set(addedTokens.filter((token) => token.special === true).map(({ id }) => id))
  let nTokens = 0
  let nTokensOfText = 0
  for (const id of ids) {
    nTokens = Math.max(nTokens, id + 1)
    if (!special.has(id)) nTokensOfText = Math.max(nTokensOfText, id + 1)
  }
  return { nTokens, nTokensOfText }
}

function chatTokenizer({ codec, template, definition, sha256 }: Parts): ChatTokenizer {
  const special = codec.addedTokens.filter((token) => token.special === true)
  const encode: ChatTokenizer['encode'] = (
    text,
    { specialTokens = true, addSpecialTokens = false } = {},
  ) => {
    const ids = codec.encode(text, { specialTokens })
    if (!addSpecialTokens) return ids
    const { before, after } = surroundingTokens(definition)
    return [...before, ...ids, ...after]
  }
  const renderChat: ChatTokenizer['renderChat'] = (
    messages,
    { continueFinalMessage = false, addGenerationPrompt = !continueFinalMessage } = {},
  ) => {
    const render = (given: readonly ChatMessage[]) => template.render(given, addGenerationPrompt)
    return continueFinalMessage ? renderUnfinished(messages, render) : render(messages)
  }
  let closing: readonly number[] | undefined
  return {
    ...tokenCounts(codec),
    sha256,
    encode,
    decode: (tokenIds, { skipSpecialTokens = true } = {}) =>
      codec.decode(tokenIds, { skipSpecialTokens }),
    renderChat,
    encodeChat: (messages, options) => {
      const disarmed = disarm(messages, special)
      if (disarmed === undefined) return encode(renderChat(messages, options))
      return encodeDisarmed(renderChat(disarmed.messages, options), disarmed, codec)
    },
    tokenBytes: tokenBytes(definition),
    closingTokenIds: () => (closing ??= encode(template.closingText())),
  }
}
