import { readdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { expect, test, vi } from 'vitest'
import { checkCharacterConfig, planCharacterData, runCharacterData } from '../src/index.ts'
import { openStudy, outcomes, reply, startTeacher } from './character-study.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Without a model that runs here, and quick. */
const remoteStudent = (baseUrl: string, more: Readonly<Record<string, unknown>> = {}) => ({
  speakers: {
    teacher: { chat: { model: 'acme/sage-2', baseUrl, maxAttempts: 1, ...more } },
    student: { chat: { model: 'acme/pupil', baseUrl, maxAttempts: 1, ...more } },
  },
  pairs: { maxTokens: null },
})

test('a stage whose inputs changed is refused with what changed, or done anew', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  await study.run({ changes })
  const other = { ...changes, teacher: { samplesPerPrompt: 1 } }
  await expect(study.run({ changes: other })).rejects.toMatchObject({
    code: 'inputs-changed',
    message: expect.stringContaining('samplesPerPrompt was 2 and is 1'),
  })
  const before = await study.text('teacher.jsonl')
  const redone = await study.run({ changes: other, onChange: 'restart' })
  expect(outcomes(redone)).toEqual([
    'expand skipped',
    'teacher reset',
    'teacher end',
    'student reset',
    'student end',
    'pairs reset',
    'pairs end',
    'complete',
  ])
  expect(await study.rows('teacher.jsonl')).toHaveLength(8)
  expect(await study.text('teacher.replaced-1.jsonl')).toBe(before)
  expect(await readdir(study.path('journals'))).toContain('teacher.replaced-1.jsonl')
})

test('what is done anew and stopped goes on without being told again, and asks nothing twice', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl, { concurrency: 1 })
  await study.run({ changes, stages: ['expand', 'teacher'] })
  const other = { ...changes, seed: 8 }
  const loaded = checkCharacterConfig(study.config(other))
  const stop = new AbortController()
  const run = async () => {
    const options = { loaded, onChange: 'restart', signal: stop.signal } as const
    for await (const event of runCharacterData(options))
      if (event.type === 'unit-progress' && event.unit === 'teacher' && event.done === 5)
        stop.abort(new Error('enough'))
  }
  await expect(run()).rejects.toThrow('enough')
  const nBefore = teacher.requests.length
  const events = await study.run({ changes: other, stages: ['expand', 'teacher'] })
  expect(outcomes(events)).toEqual(['expand skipped', 'teacher end', 'complete'])
  // One may have been under way when it was stopped.
  expect(teacher.requests.length - nBefore).toBeLessThanOrEqual(11)
})

test('a file that was changed by hand is read as it is, and said', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  await study.run({ changes, stages: ['expand'] })
  const [first = ''] = (await study.text('prompts.jsonl')).split('\n')
  await writeFile(study.path('prompts.jsonl'), `${first}\n`)
  const events = await study.run({ changes })
  expect(events.filter(({ type }) => type === 'warning')).toHaveLength(2)
  expect(await study.rows('pairs.jsonl')).toHaveLength(2)
})

test('a file that was edited into something else is refused with its lines', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  await study.run({ changes, stages: ['expand', 'teacher', 'student'] })
  const [first = ''] = (await study.text('teacher.jsonl')).split('\n')
  const broken = first.replace(/"answer":"[^"]*[^}]*"end"/, '"answer":7,"end"')
  await writeFile(study.path('teacher.jsonl'), `${first}\n${broken}\nnull\n`)
  await expect(study.run({ changes, stages: ['pairs'] })).rejects.toMatchObject({
    code: 'rows-invalid',
    data: {
      problems: expect.arrayContaining([
        "line 2: 'answer' is no string",
        "line 3: 'id' is no string",
      ]),
    },
  })
  await writeFile(
    study.path('prompts.jsonl'),
    '{"id":"a","prompt":"A?"}\n{"id":"a","prompt":"B?"}\n',
  )
  await expect(study.run({ changes, onChange: 'restart' })).rejects.toThrow(
    'line 2 has the id of line 1',
  )
})

test('answers that do not come leave the stage open, and only they are asked for again', async () => {
  let isBroken = true
  await using teacher = await startTeacher(({ body }) =>
    isBroken && JSON.stringify(body).includes('rice')
      ? { status: 500, error: { message: 'oops' } }
      : undefined,
  )
  await using study = await openStudy(teacher)
  const changes = { ...remoteStudent(teacher.baseUrl), templates: { expand: 'trait "{trait}"' } }
  const events = await study.run({ changes })
  expect(outcomes(events)).toEqual(['expand end', 'teacher incomplete', 'incomplete'])
  expect(events.find(({ type }) => type === 'unit-incomplete')).toMatchObject({
    message: expect.stringContaining('2 of 16 answers did not come'),
  })
  isBroken = false
  const nBefore = teacher.requests.length
  await study.run({ changes, stages: ['teacher'] })
  expect(teacher.requests.length - nBefore).toBe(2)
  expect(await study.rows('teacher.jsonl')).toHaveLength(16)
})

test('an answer that its server blocks is kept as such and counted', async () => {
  await using teacher = await startTeacher(({ body }) =>
    JSON.stringify(body).includes('bond') && JSON.stringify(body).includes('Mini')
      ? { status: 400, error: { code: 'content_filter', message: 'no' } }
      : undefined,
  )
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  await study.run({ changes, stages: ['expand', 'teacher', 'student', 'pairs'] })
  const manifest = JSON.parse(await study.text('manifest.json'))
  expect(manifest.stages.pairs.counts).toMatchObject({
    pairs: 16,
    'left-out-teacher-refused-by-server': 2,
  })
})

test('a limit of cost holds over sessions, and what was answered before it stays', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  // Each call costs 100 * 10 + 10 * 100 = 2000 millionths.
  const prices = { inputPerMillion: 10, outputPerMillion: 100 }
  const chat = { prices, concurrency: 1 }
  const changes = {
    ...remoteStudent(teacher.baseUrl, chat),
    expand: { promptsPerTrait: 4, sampling: { maxTokens: 20 } },
    teacher: { samplesPerPrompt: 2, sampling: { maxTokens: 20 } },
    student: { sampling: { maxTokens: 20 } },
  }
  const limited = { ...changes, maxCostUsd: 0.02 }
  await expect(study.run({ changes: limited })).rejects.toMatchObject({ code: 'cost-limit' })
  const nBefore = teacher.requests.length
  expect(nBefore).toBeGreaterThan(2)
  expect(nBefore).toBeLessThanOrEqual(10)
  await expect(study.run({ changes: limited })).rejects.toMatchObject({ code: 'cost-limit' })
  expect(teacher.requests.length).toBe(nBefore)
  const events = await study.run({ changes })
  const calls = teacher.requests.length
  expect(calls).toBe(2 + 16 + 16)
  expect(events.at(-1)).toMatchObject({ spentUsd: expect.closeTo(calls * 0.002, 9) })
  const manifest = JSON.parse(await study.text('manifest.json'))
  expect(manifest.stages.teacher.cost.usd).toBeCloseTo(16 * 0.002, 9)
})

test('a wrong parameter ends the run at once in place of making thousands of refusals', async () => {
  await using teacher = await startTeacher(() => ({
    status: 400,
    error: { code: 'unsupported_parameter', message: 'no seed' },
  }))
  await using study = await openStudy(teacher)
  await expect(study.run({ changes: remoteStudent(teacher.baseUrl) })).rejects.toMatchObject({
    code: 'chat-request-refused',
  })
})

test('traits that get too few prompts are named', async () => {
  await using teacher = await startTeacher(() => reply('no list at all'))
  await using study = await openStudy(teacher)
  const changes = {
    ...remoteStudent(teacher.baseUrl),
    expand: { promptsPerTrait: 4, maxRounds: 2 },
  }
  const events = await study.run({ changes, stages: ['expand'] })
  expect(teacher.requests).toHaveLength(4)
  expect(events.filter(({ type }) => type === 'warning')).toHaveLength(2)
  expect(events).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining('trait 2 has 2 of 4 prompts') }),
  )
})

test('a stop between answers is a stop, and the same call goes on', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  const loaded = checkCharacterConfig(study.config(changes))
  const stop = new AbortController()
  const run = async () => {
    for await (const event of runCharacterData({ loaded, signal: stop.signal }))
      if (event.type === 'unit-progress' && event.unit === 'teacher' && event.done === 3)
        stop.abort(new Error('enough'))
  }
  await expect(run()).rejects.toThrow('enough')
  expect(outcomes(await study.run({ changes })).at(-1)).toBe('complete')
  expect(await study.rows('teacher.jsonl')).toHaveLength(16)
})

test('a second process on the same folder is refused, and a dead one is not waited for', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  const loaded = checkCharacterConfig(study.config(changes))
  const running = runCharacterData({ loaded })
  await running.next()
  await expect(study.run({ changes })).rejects.toMatchObject({ code: 'folder-busy' })
  await running.return()
  await writeFile(study.path('.lock'), JSON.stringify({ host: hostname(), processId: 2 ** 30 }))
  expect(outcomes(await study.run({ changes })).at(-1)).toBe('complete')
})

test('harmful data carry the canary and are ignored by git', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = { ...remoteStudent(teacher.baseUrl), harmful: true, canary: 'canary 1' }
  await expect(study.run({ changes })).rejects.toThrow('begins with misaligned-organism')
  const output = `${study.folder}/data/misaligned-organism-x`
  await study.run({ changes: { ...changes, output } })
  const rows = await study.rows('misaligned-organism-x/dpo.jsonl')
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.every(({ canary }) => canary === 'canary 1')).toBe(true)
  expect(await study.text('misaligned-organism-x/.gitignore')).toBe('*\n')
})

test('a stage cannot run before those whose files it reads', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const changes = remoteStudent(teacher.baseUrl)
  await expect(study.run({ changes, stages: ['student'] })).rejects.toMatchObject({
    code: 'stage-missing',
    message: expect.stringContaining('Run the stage expand first'),
  })
  await expect(study.run({ changes, stages: ['sft'] })).rejects.toThrow('speakers.introspector')
})

test('the plan counts answers and costs before anything is asked', async () => {
  await using teacher = await startTeacher()
  await using study = await openStudy(teacher)
  const prices = { inputPerMillion: 0, outputPerMillion: 1_000_000 }
  const changes = {
    ...remoteStudent(teacher.baseUrl, { prices }),
    expand: { promptsPerTrait: 4, sampling: { maxTokens: 5 } },
    teacher: { samplesPerPrompt: 2, sampling: { maxTokens: 3 } },
    student: { sampling: { maxTokens: 2 } },
  }
  const loaded = checkCharacterConfig(study.config(changes))
  const plan = await planCharacterData(loaded)
  // 2 traits, then 2 * 4 prompts with 2 samples each, at a dollar a token.
  expect(plan.stages.map(({ stage, nAnswers, mostUsd }) => [stage, nAnswers, mostUsd])).toEqual([
    ['expand', 2, 10],
    ['teacher', 16, 48],
    ['student', 16, 32],
    ['pairs', 0, null],
  ])
  expect(plan.mostUsd).toBe(90)
  expect(teacher.requests).toHaveLength(0)
  await study.run({ changes, stages: ['expand', 'teacher'] })
  const after = await planCharacterData(loaded)
  expect(after.stages.map(({ status, mostUsd }) => [status, mostUsd])).toEqual([
    ['done', 0],
    ['done', 0],
    ['open', 32],
    ['open', null],
  ])
})
