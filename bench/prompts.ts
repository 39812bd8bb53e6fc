/** Tokens of a prompt. */
export const promptLength = 64

/** Ids that the small tokenizer has; every row differs. */
export function promptOf(row: number): number[] {
  return Array.from({ length: promptLength }, (_, i) => (i * 37 + row * 11) % 300)
}
