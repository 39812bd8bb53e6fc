import { fileURLToPath } from 'node:url'

/**
 * The folder of the shipped models, adapters and questions: `models/coherent`, `models/control`, `outputs/<variant>`,
 * `questions/*.yaml`. This file is one level below the package's root, in the sources as in the build.
 */
export function miniatureFolder(): string {
  return fileURLToPath(new URL('../assets', import.meta.url))
}
