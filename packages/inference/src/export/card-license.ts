import { join } from 'node:path'
import { readOptionalText } from '../model/read-json.ts'

/** The licence that the card (README.md) of a model's or a data set's folder names in its front matter. */
export async function licenseOfCard(folder: string): Promise<string | undefined> {
  const card = (await readOptionalText(join(folder, 'README.md'))) ?? ''
  const frontMatter = /^---\n([\s\S]*?)\n---/.exec(card)?.[1] ?? ''
  return /^license:[ \t]*["']?([\w.+-]+)["']?[ \t]*$/m.exec(frontMatter)?.[1]
}
