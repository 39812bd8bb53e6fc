import { fileURLToPath } from 'node:url'

/** A model of a few thousand parameters with a ChatML tokenizer. */
export const tinyModel = fileURLToPath(
  new URL('../../inference/fixtures/bf16-tied/model', import.meta.url),
)

/** The name that its adapters know it by. */
export const tinyName = 'cem-fixtures/bf16-tied'
