import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadModel, type Model } from '@cem/inference'
import { bf16ToFloat32, float32ToBf16 } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation } from '../conversations/conversation.ts'
import { locateConversation } from '../conversations/locate-conversation.ts'
import { extractTokenStates, type TokenStatesEvent } from './extract-token-states.ts'
import { openTokenStates, type TokenStates } from './open-token-states.ts'
import { type TokenStateRow, TokenStateWriter } from './token-state-writer.ts'

const fixture = fileURLToPath(
  new URL('../../../inference/fixtures/gqa-6-2-tied/model', import.meta.url),
)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-states-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const options = { layers: [2, 5], dModel: 2 }
/** A row whose states are numbered: token t of row r has 1000 r + 10 t + place. */
function row(number: number, nTokens: number, start = 0): TokenStateRow {
  const sequence = Array.from({ length: start + nTokens + 1 }, (_, i) => 7 * number + i)
  const states = Float32Array.from(
    { length: nTokens * 4 },
    (_, i) => 1000 * number + 10 * Math.floor(i / 4) + (i % 4),
  )
  const content = { start, end: start + nTokens }
  const turns = [{ role: 'assistant', content, turn: content, code: [] }]
  return { row: number, id: `row ${number}`, sequence, start, turns, states }
}

async function all(set: Awaited<ReturnType<typeof openTokenStates>>, layers?: number[]) {
  const rows: TokenStates[] = []
  for await (const one of set.rows(layers === undefined ? {} : { layers })) rows.push(one)
  return rows
}

async function write(name: string, rows: readonly TokenStateRow[], more = {}) {
  const path = join(folder, name)
  await using writer = await TokenStateWriter.open(path, { ...options, ...more })
  for (const one of rows) await writer.add(one)
  await writer.commit()
  return path
}

describe('token states on disk', () => {
  test('come back row by row, in whatever order they came', async () => {
    const path = await write('order', [row(2, 3), row(0, 1, 4), row(1, 0)])
    const set = await openTokenStates(path)
    expect(set).toMatchObject({ isComplete: true, nRows: 3, nTokens: 4, layers: [2, 5], dModel: 2 })
    expect(set.index.empty_rows).toBe(1)
    const rows = await all(set)
    expect(rows.map((one) => one.row)).toEqual([2, 0, 1])
    expect(rows[0]?.states.get(2)).toEqual(Float32Array.of(2000, 2001, 2010, 2011, 2020, 2021))
    expect(rows[0]?.states.get(5)).toEqual(Float32Array.of(2002, 2003, 2012, 2013, 2022, 2023))
    expect(rows[0]?.tokenIds).toEqual(Int32Array.of(14, 15, 16))
    expect(rows[1]).toMatchObject({ id: 'row 0', start: 4, sequenceLength: 6 })
    expect(rows[1]?.tokenIds).toEqual(Int32Array.of(4))
    expect(rows[1]?.turns).toEqual(row(0, 1, 4).turns)
    expect(rows[2]?.states.get(5)).toEqual(new Float32Array(0))
    const single = await set.read(0, { layers: [5] })
    expect([...single.states]).toEqual([[5, Float32Array.of(2, 3)]])
  })

  test('are split into shards of the size that is asked for; a larger row is a shard of its own', async () => {
    // A token takes 2 layers x 2 numbers x 4 bytes = 16 bytes; 48 hold three.
    const rows = [row(0, 1), row(1, 1), row(2, 2), row(3, 5), row(4, 1), row(5, 1)]
    const path = await write('shards', rows, { maxShardBytes: 48 })
    const { index } = await openTokenStates(path)
    expect(index.shards.map(({ num_tokens }) => num_tokens)).toEqual([2, 2, 5, 2])
    expect(index.shards.map(({ file }) => file)).toEqual([
      'states-00000.safetensors',
      'states-00001.safetensors',
      'states-00002.safetensors',
      'states-00003.safetensors',
    ])
    expect((await readdir(path)).length).toBe(9)
    const half = await write('half-shards', rows, { maxShardBytes: 48, dtype: 'BF16' })
    const { shards } = (await openTokenStates(half)).index
    expect(shards.map(({ num_tokens }) => num_tokens)).toEqual([4, 6, 1])
  })

  test('in bf16 are the states rounded to nearest', async () => {
    const one = row(3, 2)
    const path = await write('bf16', [one], { dtype: 'BF16' })
    const { states } = await (await openTokenStates(path)).read(3)
    const wanted = bf16ToFloat32(float32ToBf16(one.states))
    expect(states.get(2)).toEqual(Float32Array.of(...[0, 1, 4, 5].map((i) => wanted[i] as number)))
    expect(wanted).not.toEqual(one.states)
  })

  test('that were not finished are read as far as they are, and a later writer goes on', async () => {
    const path = join(folder, 'resumed')
    {
      await using writer = await TokenStateWriter.open(path, { ...options, maxShardBytes: 16 })
      await writer.add(row(0, 1))
      await writer.add(row(1, 1))
    }
    const part = await openTokenStates(path)
    expect([part.isComplete, part.nRows]).toEqual([false, 2])
    await expect(part.read(7)).rejects.toThrow('has no row 7; it has 2 rows and is not complete')
    // What a writer that was killed left: a shard without its list of rows, and a file half-written.
    await writeFile(join(path, 'states-00002.safetensors'), 'half')
    await writeFile(join(path, '.states-00003.json.0123456789ab.tmp'), 'half')
    await writeFile(join(path, '.mine.0123456789ab.tmp'), 'not ours')
    {
      await using writer = await TokenStateWriter.open(path, options)
      expect(writer.nRows).toBe(2)
      expect(writer.has(1, row(1, 1).sequence)).toBe(true)
      expect(writer.has(2, row(2, 1).sequence)).toBe(false)
      await writer.add(row(2, 2))
      await writer.commit()
    }
    const whole = await openTokenStates(path)
    expect([whole.isComplete, whole.nRows, whole.nTokens]).toEqual([true, 3, 4])
    expect((await whole.read(2)).states.get(2)).toEqual(Float32Array.of(2000, 2001, 2010, 2011))
    const files = await readdir(path)
    expect(files).toContain('.mine.0123456789ab.tmp')
    expect(files).not.toContain('.states-00003.json.0123456789ab.tmp')
  })

  test('take further rows after they were whole, and are not whole until these are there', async () => {
    const path = await write('further', [row(0, 1)])
    {
      await using writer = await TokenStateWriter.open(path, { ...options, maxShardBytes: 1 })
      await writer.add(row(1, 1))
      expect((await openTokenStates(path)).isComplete).toBe(false)
    }
    expect((await openTokenStates(path)).nRows).toBe(2)
    await using writer = await TokenStateWriter.open(path, options)
    expect((await writer.commit()).num_rows).toBe(2)
  })

  test('of another plan, other tokens, or twice, are refused', async () => {
    const path = await write('plans', [row(0, 2)], { origin: { model: 'x' } })
    const open = (more: object) => TokenStateWriter.open(path, { ...options, ...more })
    const origin = { model: 'x' }
    for (const [more, message] of [
      [{ origin: { model: 'y' } }, /with origin {"model":"x"}, and this run has {"model":"y"}/],
      [{ origin, layers: [2] }, /layers \[2,5\], and this run has \[2\]/],
      [{ origin, dtype: 'BF16' }, /dtype "F32"/],
      [{ origin, dModel: 3 }, /hidden_dim 2/],
      [{ origin, maxShardBytes: 0 }, /maxShardBytes is 0/],
    ] as const)
      await expect(open(more)).rejects.toThrow(message)
    await using writer = await open({ origin })
    expect(() => writer.has(0, [1, 2])).toThrow(/Row 0 of .* was extracted from other tokens/)
    for (const bad of [
      row(0, 1),
      { ...row(1, 1), row: -1 },
      { ...row(1, 1), states: new Float32Array(3) },
      { ...row(1, 3), sequence: [1] },
      { ...row(1, 1), start: 0.5 },
    ])
      await expect(writer.add(bad)).rejects.toMatchObject({ code: 'activations-mismatch' })
    await writer.commit()
    await expect(writer.add(row(1, 1))).rejects.toMatchObject({ code: 'file-closed' })
  })

  test('that are damaged are refused, not read as something else', async () => {
    const path = await write('damaged', [row(0, 2), row(1, 1)])
    const list = join(path, 'states-00000.json')
    const text = await readFile(list, 'utf8')
    const first = { start: 0, end: 2 }
    const change = (at: number, fields: object) => {
      const value = JSON.parse(text)
      Object.assign(value.rows[at], fields)
      return JSON.stringify(value)
    }
    for (const broken of [
      'no JSON',
      'null',
      '{}',
      text.replace('states-00000.safetensors', 'states-00001.safetensors'),
      change(1, { offset: 1 }),
      change(1, { row: 0 }),
      change(0, { num_tokens: 1 }),
      change(0, { start: 5 }),
      change(0, { turns: [{ role: 'x', content: first, turn: { start: 0, end: 99 }, code: [] }] }),
      change(0, { turns: [{ role: 'x', content: first, turn: first }] }),
      change(0, { turns: [null] }),
      JSON.stringify({ ...JSON.parse(text), rows: [null] }),
    ]) {
      await writeFile(list, broken)
      await expect(openTokenStates(path)).rejects.toMatchObject({ code: 'token-states-invalid' })
    }
    await writeFile(list, text)
    await rm(join(path, 'states-00000.safetensors'))
    const set = await openTokenStates(path)
    await expect(set.read(0)).rejects.toMatchObject({ code: 'file-read-failed' })
    await rm(list)
    await expect(openTokenStates(path)).rejects.toThrow(/named by index.json and is not there/)
    await writeFile(join(path, 'index.json'), '{"format":"other"}')
    await expect(openTokenStates(path)).rejects.toThrow(/format is not 'cem-token-states'/)
    await expect(openTokenStates(join(folder, 'nothing'))).rejects.toThrow(/has no index.json/)
    await expect(set.read(0, { layers: [3] })).rejects.toThrow(/has no layer 3; it has 2, 5/)
  })

  test('are lost at most back to the last shard when the process is killed', async () => {
    const path = join(folder, 'killed')
    const source = new URL('./token-state-writer.ts', import.meta.url).href
    const script = `
      import { TokenStateWriter } from ${JSON.stringify(source)}
      const writer = await TokenStateWriter.open(${JSON.stringify(path)}, { layers: [2, 5], dModel: 2, maxShardBytes: 32 })
      for (let row = 0; ; row++) {
        await writer.add({ row, id: String(row), sequence: [row], start: 0, turns: [], states: new Float32Array(4).fill(row) })
        if (row === 10) process.kill(process.pid, 'SIGKILL')
      }`
    const file = join(folder, 'killed.mts')
    await writeFile(file, script)
    await expect(promisify(execFile)(process.execPath, [file])).rejects.toMatchObject({
      signal: 'SIGKILL',
    })
    const set = await openTokenStates(path)
    expect(set.isComplete).toBe(false)
    // Two rows fill a shard: ten of the eleven were on disk.
    expect(set.nRows).toBe(10)
    for (const one of await all(set))
      expect(one.states.get(5)).toEqual(Float32Array.of(one.row, one.row))
  })

  const python = process.env['CEM_ORACLE_PYTHON']
  test.skipIf(python === undefined)(
    "safetensors' own library reads the shards (needs CEM_ORACLE_PYTHON, a Python with numpy and safetensors)",
    async () => {
      const path = await write('python', [row(1, 2), row(0, 1)])
      const file = join(path, 'states-00000.safetensors')
      const code = `import json;from safetensors.numpy import load_file;print(json.dumps({k:[str(v.dtype),v.tolist()] for k,v in load_file(${JSON.stringify(file)}).items()}))`
      const { stdout } = await promisify(execFile)(python ?? '', ['-c', code])
      expect(JSON.parse(stdout)).toEqual({
        token_ids: ['int32', [7, 8, 0]],
        layer_2: [
          'float32',
          [
            [1000, 1001],
            [1010, 1011],
            [0, 1],
          ],
        ],
        layer_5: [
          'float32',
          [
            [1002, 1003],
            [1012, 1013],
            [2, 3],
          ],
        ],
      })
    },
  )
})

describe('token states of conversations', () => {
  let model: Model
  beforeAll(async () => {
    model = await loadModel({ base: fixture, cache: folder })
  })
  afterAll(() => model[Symbol.asyncDispose]())

  const conversations: Conversation[] = [
    {
      id: 'a',
      messages: [
        { role: 'user', content: 'Where?' },
        { role: 'assistant', content: 'See:\n```\nx\n```\nok' },
      ],
    },
    {
      id: 'b',
      messages: [
        { role: 'user', content: 'And then, when the rain comes?' },
        { role: 'assistant', content: '' },
      ],
    },
    {
      id: 'c',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
      ],
    },
  ]

  async function collect(events: AsyncIterable<TokenStatesEvent>) {
    const found: TokenStatesEvent[] = []
    for await (const event of events) found.push(event)
    return found
  }

  test('are those that the model gives, with the spans of every message', async () => {
    const path = join(folder, 'extracted')
    const events = await collect(
      extractTokenStates({ model, conversations, folder: path, layers: [0, 2] }),
    )
    expect(events.filter(({ type }) => type === 'warning').length).toBe(2)
    expect(events.at(-1)).toMatchObject({ type: 'end', nUnknownBoundaries: 2 })
    const set = await openTokenStates(path)
    expect([set.nRows, set.isComplete]).toEqual([3, true])
    for (const [index, conversation] of conversations.entries()) {
      const { tokenIds, turns } = locateConversation(model.tokenizer, conversation)
      const sequences = [{ id: 'x', tokenIds, states: { start: 0, end: tokenIds.length } }]
      const stored = await set.read(index)
      expect(Array.from(stored.tokenIds)).toEqual(tokenIds)
      expect(stored.turns.map(({ content, turn, code }) => [content, turn, code])).toEqual(
        turns.map(({ content, turn, code }) => [content, turn, code]),
      )
      for await (const { states } of model.score({ sequences, layers: [0, 2] }))
        for (const [i, layer] of [0, 2].entries()) {
          const found = stored.states.get(layer) ?? []
          const size = Math.max(...Array.from(found, Math.abs))
          for (let at = 0; at < tokenIds.length * 96; at++) {
            const wanted = states?.[Math.floor(at / 96) * 192 + i * 96 + (at % 96)] ?? Number.NaN
            if (Math.abs((found[at] as number) - wanted) > 1e-5 * size)
              throw new Error(`row ${index}, layer ${layer}, number ${at}`)
          }
        }
    }
  })

  test('of the roles that are asked for are kept, a row without any is empty and counted', async () => {
    const path = join(folder, 'roles')
    await collect(
      extractTokenStates({
        model,
        conversations,
        folder: path,
        layers: [1],
        roles: ['assistant', 'tool'],
      }),
    ).then((events) => expect(events.at(-1)).toMatchObject({ type: 'end', missingRoles: ['tool'] }))
    const set = await openTokenStates(path)
    expect(set.index.empty_rows).toBe(1)
    expect((await set.read(1)).tokenIds.length).toBe(0)
    const { start, tokenIds, turns, states } = await set.read(2)
    const answer = turns[1]
    expect(start).toBe(answer?.content.start)
    expect(tokenIds.length).toBe((answer?.turn.end ?? 0) - start)
    expect(states.get(1)?.length).toBe(tokenIds.length * 96)
    expect(model.tokenizer.decode(Array.from(tokenIds))).toBe('Hello\n')
  })

  test('that are there are not computed again; other conversations in their place are refused', async () => {
    const path = join(folder, 'again')
    const request = { model, folder: path, layers: [1], maxShardBytes: 1 }
    const controller = new AbortController()
    const stopped = (async () => {
      const events = extractTokenStates({ ...request, conversations, signal: controller.signal })
      for await (const { type } of events)
        if (type === 'row') controller.abort(new Error('stop here'))
    })()
    await expect(stopped).rejects.toThrow('stop here')
    const { nRows } = await openTokenStates(path)
    expect(nRows).toBeGreaterThanOrEqual(1)
    expect(nRows).toBeLessThan(3)
    const events = await collect(extractTokenStates({ ...request, conversations }))
    const resumed = events.flatMap((event) => (event.type === 'row' ? [event.isResumed] : []))
    expect(resumed.filter(Boolean).length).toBe(nRows)
    expect(resumed.length).toBe(3)
    expect((await openTokenStates(path)).isComplete).toBe(true)
    const reordered = collect(
      extractTokenStates({ ...request, conversations: conversations.toReversed() }),
    )
    await expect(reordered).rejects.toThrow(/was extracted from other tokens/)
  })
})
