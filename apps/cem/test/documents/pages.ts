import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** The pages and example configs of the repository. */
export const documents = execFileSync('git', ['ls-files', '*.md', 'configs/*.yaml'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && !/CHANGELOG|^\.changeset|^\.github/.test(file))
  .map((file) => ({ file, text: readFileSync(`${root}${file}`, 'utf8') }))

export const isPage = ({ file }: { readonly file: string }) => file.endsWith('.md')

/** The texts of a page's blocks in a language. */
export function blocksOf(text: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}(?: [^\\n]*)?\\n(.*?)^\`\`\``, 'gms')
  return Array.from(text.matchAll(pattern), ([, block = '']) => block)
}
