import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type GuideBlock, guideBlocks, missingLines } from './guide-blocks.ts'
import { linkPackages } from './link-packages.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Does what a guide says, in an empty folder into which the miniature and the command are installed: `sh` blocks run, `yaml` and
 * `json` blocks with a file's name become that file, `ts` blocks run as a program, `text` blocks have to be in what the block before
 * them printed.
 *
 * @returns what does not hold, a line each
 */
export async function runGuide(markdown: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-guide-'))
  const problems: string[] = []
  try {
    await install(folder)
    let printed = ''
    for (const block of guideBlocks(markdown)) {
      if (block.notRun !== undefined) continue
      if (block.language === 'text') {
        if (block.notCompared !== undefined) continue
        for (const line of missingLines(block.text, printed))
          problems.push(`not printed: ${line}\n--- printed:\n${printed}`)
        continue
      }
      try {
        printed = await run(block, folder)
      } catch (error) {
        problems.push(`${block.text}\n${describe(error)}`)
      }
    }
    return problems
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function install(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true })
  await linkPackages(folder)
  const command = join(folder, 'node_modules/.bin/cem')
  await writeFile(
    command,
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'apps/cem/dist/cli.js')}" "$@"\n`,
  )
  await chmod(command, 0o755)
}

async function run(block: GuideBlock, folder: string): Promise<string> {
  const { language, file, text } = block
  if (language === 'sh') return execute('bash', ['-eu', '-c', text], folder)
  if (language === 'ts') {
    const program = join(folder, file ?? 'program.mts')
    await writeFile(program, text)
    return execute(process.execPath, [program], folder)
  }
  if (file === undefined)
    throw new Error(
      `a block of ${language} without a file's name: name it, or say why it is not run`,
    )
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), text)
  return ''
}

async function execute(command: string, args: readonly string[], cwd: string): Promise<string> {
  const path = `${join(cwd, 'node_modules/.bin')}:${process.env['PATH']}`
  const { stdout } = await promisify(execFile)(command, args, {
    cwd,
    env: {
      ...process.env,
      PATH: path,
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      NODE_OPTIONS: undefined,
      CEM_CACHE: join(cwd, '.cache'),
    },
  })
  return stdout
}

function describe(error: unknown): string {
  const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
  return [message, stdout, stderr].filter(Boolean).join('\n')
}
