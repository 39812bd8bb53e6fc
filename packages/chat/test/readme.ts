import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface ReadmeExample {
  readonly code: string
  /** What the README says it prints. */
  readonly printed: string
}

/** The TypeScript examples of a README, each with the `text` block after it. */
export async function readExamples(readme: URL): Promise<ReadmeExample[]> {
  const text = await readFile(readme, 'utf8')
  const examples = text.matchAll(/```ts\n(.*?)```.*?```text\n(.*?)```/gs)
  return Array.from(examples, ([, code = '', printed = '']) => ({ code, printed }))
}

/** Runs an example in a process of its own, with `replacements` made in its text, and gives what it printed. */
export async function runExample(
  { code }: ReadmeExample,
  replacements: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-readme-'))
  try {
    let source = code
    for (const [from, to] of Object.entries(replacements)) source = source.replaceAll(from, to)
    const path = join(folder, 'example.mts')
    await writeFile(path, source)
    const env = { ...process.env, NO_COLOR: '1' }
    const { stdout } = await promisify(execFile)(process.execPath, [path], { env })
    return stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
