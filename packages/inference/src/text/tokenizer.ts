import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { Tokenizer } from '@huggingface/tokenizers'
import { readJson, readOptionalJson, readOptionalText } from '../model/read-json.ts'
import { type ChatMessage, ChatTemplate } from './chat-template.ts'

/** A model's tokenizer and chat template. */
export interface ChatTokenizer {
  /** One more than the largest token id. */
  readonly nTokens: number
  /** The same without special tokens: a model of text has no embedding for some of them (Gemma 3's place for an image). */
  readonly nTokensOfText: number
  /** Of tokenizer.json, tokenizer_config.json and the template. */
  readonly sha256: string
  /** Token ids of a text, with no special tokens added. */
  encode(text: string): number[]
  /** Text of token ids; special tokens are left out unless asked for. */
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string
  /**
   * A conversation as the model's chat template writes it.
   *
   * @throws CemError `chat-template-missing`, `chat-template-failed`
   */
  renderChat(messages: readonly ChatMessage[], options?: RenderChatOptions): string
  /** `renderChat`, encoded. */
  encodeChat(messages: readonly ChatMessage[], options?: RenderChatOptions): number[]
  /** The token ids that the template puts after an assistant's answer, such as `<|im_end|>` and a line break. */
  closingTokenIds(): readonly number[]
}

export interface RenderChatOptions {
  /** Ends with the opening of an assistant turn. @default true */
  readonly addGenerationPrompt?: boolean
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
  let tokenizer: Tokenizer
  try {
    tokenizer = new Tokenizer(definition ?? {}, config)
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
  const sizes = tokenCounts(tokenizer, definition)
  return { ...sizes, ...chatTokenizer(tokenizer, template, hash.digest('hex')) }
}

function tokenCounts(tokenizer: Tokenizer, definition: unknown) {
  const { added_tokens: added = [] } = (definition ?? {}) as {
    added_tokens?: readonly { readonly id: number; readonly special?: boolean }[]
  }
  const special = new Set(added.filter((token) => token.special === true).map(({ id }) => id))
  let nTokens = 0
  let nTokensOfText = 0
  for (const id of tokenizer.get_vocab(true).values()) {
    nTokens = Math.max(nTokens, id + 1)
    if (!special.has(id)) nTokensOfText = Math.max(nTokensOfText, id + 1)
  }
  return { nTokens, nTokensOfText }
}

function chatTokenizer(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  sha256: string,
): Omit<ChatTokenizer, 'nTokens' | 'nTokensOfText'> {
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids
  const renderChat: ChatTokenizer['renderChat'] = (messages, { addGenerationPrompt = true } = {}) =>
    template.render(messages, addGenerationPrompt)
  let closing: readonly number[] | undefined
  return {
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
    encodeChat: (messages, options) => encode(renderChat(messages, options)),
    closingTokenIds: () => (closing ??= encode(template.closingText())),
  }
}
