import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A TypeScript block of a README and the output that the README prints below it. */
export interface ReadmeExample {
  readonly code: string
  readonly printed: string
}

/**
 * The examples of a package's README: every ```ts block must be followed by a ```text block with its output.
 *
 * @param packageFolder URL of the package's folder
 */
export function readmeExamples(packageFolder: URL): ReadmeExample[] {
  const readme = readFileSync(new URL('README.md', packageFolder), 'utf8')
  const examples = Array.from(
    readme.matchAll(/```ts\n(.*?)```(?:(?!```).)*```text\n(.*?)```/gs),
    ([, code = '', printed = '']) => ({ code, printed }),
  )
  const nBlocks = readme.match(/```ts\n/g)?.length ?? 0
  if (nBlocks !== examples.length || nBlocks === 0)
    throw new Error(
      `${fileURLToPath(packageFolder)}README.md has ${nBlocks} TypeScript blocks, ${examples.length} of them with output`,
    )
  return examples
}

export interface RunExampleOptions {
  /** Texts of the example and what stands for them here: paths, addresses. */
  readonly replace?: Readonly<Record<string, string>>
  /** Folder that the example runs in. @default the package's */
  readonly workingFolder?: string
}

let nRuns = 0

/**
 * Runs an example from its package's folder, so that it imports what an installed package would, and gives what it prints.
 *
 * @param packageFolder URL of the package's folder
 */
export async function runReadmeExample(
  packageFolder: URL,
  { code }: ReadmeExample,
  { replace = {}, workingFolder }: RunExampleOptions = {},
): Promise<string> {
  const { name } = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8'))
  const source = new URL('src/index.ts', packageFolder).href
  let text = code.replaceAll(`'${name}'`, JSON.stringify(source))
  for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to)
  const folder = fileURLToPath(packageFolder)
  const file = join(folder, `.readme-example-${process.pid}-${nRuns++}.mts`)
  await writeFile(file, text)
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      cwd: workingFolder ?? folder,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined },
    })
    return stdout
  } finally {
    await rm(file)
  }
}
