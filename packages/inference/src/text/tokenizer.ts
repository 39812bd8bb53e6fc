import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { Tokenizer } from '@huggingface/tokenizers'
import { readJson, readOptionalJson, readOptionalText } from '../model/read-json.ts'
import { type ChatMessage, ChatTemplate } from './chat-template.ts'
import { renderUnfinished } from './continue-final-message.ts'
import { type AddedToken, disarm, encodeDisarmed } from './disarm.ts'
import { surroundingTokens } from './surrounding-tokens.ts'
import { tokenBytes } from './token-bytes.ts'

/** A model's tokenizer and chat template. */
export interface ChatTokenizer {
  /** One more than the largest token id. */
  readonly nTokens: number
  /** The same without special tokens: a model of text has no embedding for some of them (Gemma 3's place for an image). */
  readonly nTokensOfText: number
  /** Of tokenizer.json, tokenizer_config.json and the template. */
  readonly sha256: string
  /** Token ids of a text, with no special tokens added. */
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

/**
 * Reads tokenizer.json, tokenizer_config.json and chat_template.jinja of a model folder.
 *
 * @throws CemError `file-not-found`, `tokenizer-invalid`
 */
export async function openTokenizer(folder: string): Promise<ChatTokenizer> {
  const tokenizerPath = join(folder, 'tokenizer.json')
  const definition = await readJson(tokenizerPath)
  const config = (await readOptionalJson(join(folder, 'tokenizer_config.json'))) ?? {}
  const templateFile = await readOptionalText(join(folder, 'chat_template.jinja'))
  const make = (added: unknown) =>
    new Tokenizer({ ...(definition as object | null), added_tokens: added }, config)
  const added = addedTokens(definition)
  let tokenizer: Tokenizer
  try {
    tokenizer = make(added)
  } catch (error) {
    throw new CemError({
      code: 'tokenizer-invalid',
      message: `${tokenizerPath} describes no tokenizer that can be read: ${messageOf(error)}.`,
      data: { path: tokenizerPath },
      cause: error,
    })
  }
  const template = ChatTemplate.from(config, templateFile, folder)
  const hash = createHash('sha256').update(JSON.stringify([definition, config, templateFile]))
  const special = added.filter((token) => token.special === true)
  // Made when it is needed, which is seldom: a large vocabulary takes a quarter of a second.
  const plain = lazily(() => make(added.filter((token) => token.special !== true)))
  const files = { definition, sha256: hash.digest('hex') }
  return chatTokenizer({ tokenizer, plain, special, template, ...files })
}

/** `added_tokens` of tokenizer.json. */
function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

function addedTokens(definition: unknown): AddedToken[] {
  const added = (definition as { added_tokens?: unknown } | null)?.added_tokens
  return Array.isArray(added) ? added : []
}

interface Parts {
  readonly tokenizer: Tokenizer
  /** The same without special tokens. */
  readonly plain: () => Tokenizer
  readonly special: readonly AddedToken[]
  readonly template: ChatTemplate
  /** tokenizer.json */
  readonly definition: unknown
  readonly sha256: string
}

function tokenCounts({ tokenizer, special }: Parts) {
  const ids = new Set(special.map(({ id }) => id))
  let nTokens = 0
  let nTokensOfText = 0
  for (const id of tokenizer.get_vocab(true).values()) {
    nTokens = Math.max(nTokens, id + 1)
    if (!ids.has(id)) nTokensOfText = Math.max(nTokensOfText, id + 1)
  }
  return { nTokens, nTokensOfText }
}

function chatTokenizer(parts: Parts): ChatTokenizer {
  const { tokenizer, plain, special, template, definition, sha256 } = parts
  const encode: ChatTokenizer['encode'] = (
    text,
    { specialTokens = true, addSpecialTokens = false } = {},
  ) => {
    const { ids } = (specialTokens ? tokenizer : plain()).encode(text, {
      add_special_tokens: false,
    })
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
    ...tokenCounts(parts),
    sha256,
    encode,
    decode: (tokenIds, { skipSpecialTokens = true } = {}) =>
      tokenIds.length === 0
        ? ''
        : tokenizer.decode([...tokenIds], {
            skip_special_tokens: skipSpecialTokens,
            clean_up_tokenization_spaces: false,
          }),
    renderChat,
    encodeChat: (messages, options) => {
      const disarmed = disarm(messages, special)
      if (disarmed === undefined) return encode(renderChat(messages, options))
      return encodeDisarmed(renderChat(disarmed.messages, options), disarmed, special, encode)
    },
    tokenBytes: tokenBytes(definition),
    closingTokenIds: () => (closing ??= encode(template.closingText())),
  }
}
