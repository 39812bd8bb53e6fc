/** Ids that a tokenizer puts around a text of its own accord. */
export interface SurroundingTokens {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/**
 * What `post_processor` of tokenizer.json puts around a single text (`<bos>`, `<|begin_of_text|>`): the special tokens of its
 * TemplateProcessing, alone or inside a Sequence. Others, such as ByteLevel, put nothing there.
 *
 * @throws Error where a template names a token that it does not describe
 */
export function surroundingTokens(definition: unknown): SurroundingTokens {
  const { post_processor: processor } = (definition ?? {}) as { post_processor?: unknown }
  return around(processor)
}

function around(processor: unknown): SurroundingTokens {
  const {
    type,
    processors,
    single,
    special_tokens: described,
  } = (processor ?? {}) as {
    readonly type?: string
    readonly processors?: readonly unknown[]
    readonly single?: readonly TemplatePiece[]
    readonly special_tokens?: Readonly<Record<string, { readonly ids?: readonly number[] }>>
  }
  if (type === 'Sequence') {
    const parts = (processors ?? []).map(around)
    return {
      before: parts.toReversed().flatMap(({ before }) => before),
      after: parts.flatMap(({ after }) => after),
    }
  }
  if (type !== 'TemplateProcessing' || single === undefined) return { before: [], after: [] }
  const at = single.findIndex((piece) => piece.Sequence !== undefined)
  const idsOf = (pieces: readonly TemplatePiece[]) =>
    pieces.flatMap(({ SpecialToken: token }) => {
      const ids = described?.[token?.id ?? '']?.ids
      if (ids === undefined)
        throw new Error(
          `its template names the token ${JSON.stringify(token?.id)} and does not describe it`,
        )
      return ids
    })
  return { before: idsOf(single.slice(0, at)), after: idsOf(single.slice(at + 1)) }
}

interface TemplatePiece {
  readonly SpecialToken?: { readonly id: string }
  readonly Sequence?: unknown
}
