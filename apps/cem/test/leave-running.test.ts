import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { leaveRunning } from '../src/commands/leave-running.ts'

test('the command goes on in the background with plain lines, its log in the folder of the run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-leave-'))
  const script = join(folder, 'command.mjs')
  await writeFile(
    script,
    `console.log(JSON.stringify([process.argv.slice(2), process.env.CEM_COST_CONFIRMED, process.stdin.isTTY ?? false]))
setInterval(() => {}, 1000)`,
  )
  const store = join(folder, 'results/.cem/demo')
  const command = [script, 'run', 'my.yaml']
  const { processId, logFile } = leaveRunning(store, { costConfirmed: true, command })
  try {
    const read = async () => JSON.parse(await readFile(logFile, 'utf8')) as unknown
    await vi.waitFor(
      async () => expect(await read()).toEqual([['run', 'my.yaml', '--plain'], '1', false]),
      {
        timeout: 10_000,
      },
    )
    expect(logFile).toBe(join(store, 'background.log'))
    // Signal 0 asks whether it is there; a process group of its own outlives the terminal's.
    expect(process.kill(-processId, 0)).toBe(true)
  } finally {
    process.kill(processId)
    await rm(folder, { recursive: true, force: true })
  }
})
