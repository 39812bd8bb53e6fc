import { execFile, fork } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { CharacterEvent } from '../src/index.ts'
import { openStudy, outcomes, type Study, startTeacher } from './character-study.ts'

vi.setConfig({ testTimeout: 120_000 })

const worker = fileURLToPath(new URL('./character-worker.ts', import.meta.url))

/** Runs the study in a process of its own and kills it at the first event that is asked for. */
function runUntil(
  study: Study,
  isEnd: (event: CharacterEvent) => boolean,
): Promise<NodeJS.Signals | null> {
  const child = fork(worker, [join(study.folder, 'config.json')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  child.on('message', (event: CharacterEvent) => {
    if (isEnd(event)) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)))
}

test('a killed run loses at most the answers under way, and ends with the files of one that was not', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  await using whole = await openStudy(teacher)
  await study.train()
  await writeFile(join(study.folder, 'config.json'), JSON.stringify(study.config()))
  const killAt = (unit: string, done: number) => (event: CharacterEvent) =>
    event.type === 'unit-progress' && event.unit === unit && event.done >= done
  for (const [unit, done] of [
    ['teacher', 3],
    ['interaction', 4],
  ] as const) {
    expect(await runUntil(study, killAt(unit, done))).toBe('SIGKILL')
    const journal = await study.text(`journals/${unit}.jsonl`)
    const lines = journal.slice(0, journal.lastIndexOf('\n'))
    const kept = lines.split('\n').filter((line) => JSON.parse(line).kind === 'answer')
    // Each was on the disk before it was told.
    expect(kept.length).toBeGreaterThanOrEqual(done)
    await expect(study.text(`${unit}.jsonl`)).rejects.toThrow('ENOENT')
    // What a process that dies in the middle of a line leaves.
    await writeFile(study.path(`journals/${unit}.jsonl`), `${journal}{"kind":"ans`)
  }
  const nBefore = teacher.requests.length
  expect(outcomes(await study.run()).at(-1)).toBe('complete')
  expect(teacher.requests.length).toBe(nBefore)
  await whole.train()
  await whole.run()
  for (const name of ['teacher', 'student', 'dpo', 'reflection', 'interaction', 'sft'])
    expect(await study.text(`${name}.jsonl`)).toBe(await whole.text(`${name}.jsonl`))
  expect(await readFile(study.path('journals/teacher.jsonl'), 'utf8')).not.toContain(
    '{"kind":"ans{',
  )
})

test.skipIf(process.platform === 'win32')(
  'a disk that takes no more ends the run with an error, and what was written before is gone on from',
  async () => {
    await using teacher = await startTeacher()
    await using study = await openStudy(teacher)
    const stages = {
      speakers: { teacher: remote(teacher.baseUrl), student: remote(teacher.baseUrl) },
    }
    const changes = { ...stages, pairs: { maxTokens: null }, teacher: { samplesPerPrompt: 6 } }
    await writeFile(join(study.folder, 'config.json'), JSON.stringify(study.config(changes)))
    // Files of at most 8 KiB stand for a disk that is full: a write gives EFBIG then, after a part of the bytes.
    const command = 'ulimit -f 16; exec "$0" "$@"'
    const told = await new Promise<string>((resolve) =>
      execFile(
        'sh',
        ['-c', command, process.execPath, worker, join(study.folder, 'config.json')],
        (_, __, stderr) => resolve(stderr),
      ),
    )
    expect(told).toContain('file-write-failed')
    const journal = await study.text('journals/teacher.jsonl')
    expect(journal.endsWith('\n')).toBe(false)
    const nBefore = teacher.requests.length
    const whole = journal.slice(0, journal.lastIndexOf('\n')).split('\n')
    const nKept = whole.filter((line) => JSON.parse(line).kind === 'answer').length
    await study.run({ changes, stages: ['expand', 'teacher'] })
    expect(await study.rows('teacher.jsonl')).toHaveLength(48)
    expect(teacher.requests.length - nBefore).toBe(48 - nKept)
  },
)

const remote = (baseUrl: string) => ({ chat: { model: 'sage', baseUrl, maxAttempts: 1 } })
