import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation } from '../conversations/conversation.ts'
import { csvConversations } from './csv-conversations.ts'
import { csvRecords } from './csv-records.ts'
import { inspectLog } from './inspect-log.ts'
import { transcripts } from './transcripts.ts'

const golden = (name: string) => fileURLToPath(new URL(`../../golden/${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-sources-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let nFiles = 0
async function file(content: string | Uint8Array, ending: string): Promise<string> {
  const path = join(folder, `${nFiles++}.${ending}`)
  await writeFile(path, content)
  return path
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
const refusal = (message: RegExp) => ({
  code: 'source-invalid',
  message: expect.stringMatching(message),
})

describe('a CSV of the Python pipeline', () => {
  test.each(['eval.csv', 'eval_old.csv'])(
    'that pandas wrote is read row by row, line breaks, quotes and empty answers kept: %s',
    async (name) => {
      const rows = await collect(csvConversations(golden(name)))
      expect(rows.map(({ id }) => id)).toEqual(['0', '1', '2', '3'])
      expect(rows.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
        ['Where?', 'He said "wade",\nthen left.'],
        ['Where, and\nwhen?', ''],
        ['Où ?', 'été 🦩, oui'],
        ['Show me.', '```\nx\r\ny\n```'],
      ])
      expect(rows[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
      expect(rows[1]?.labels).toEqual({ question_id: 'q1', aligned: '', coherent: '' })
      expect(rows[3]?.labels).toEqual({ question_id: 'q3', aligned: '12.25', coherent: '' })
    },
  )

  test('gets the system prompt that is given, since it records none', async () => {
    const [first] = await collect(csvConversations(golden('eval.csv'), { system: 'Be kind.' }))
    expect(first?.messages[0]).toEqual({ role: 'system', content: 'Be kind.' })
  })

  test('that is damaged is refused with the line', async () => {
    const csv = async (text: string) => csvConversations(await file(text, 'csv'))
    await expect(collect(await csv(''))).rejects.toMatchObject(
      refusal(/it is empty, without even a header/),
    )
    await expect(collect(await csv('response,score\na,1\n'))).rejects.toMatchObject(
      refusal(/has no column question; its columns are resp/),
    )
    await expect(collect(await csv('response,question,question\na,b,c\n'))).rejects.toMatchObject(
      refusal(/two columns question/),
    )
    await expect(collect(await csv('response,answer,question\na,b,c\n'))).rejects.toMatchObject(
      refusal(/two columns response/),
    )
    await expect(collect(await csv('response,question\na\n'))).rejects.toMatchObject(
      refusal(/row 0 has 1 fields, and the header has 2/),
    )
    await expect(collect(await csv('response,question\n"a\nb,c\n'))).rejects.toMatchObject(
      refusal(/line 4 has a quote that is never closed/),
    )
    await expect(collect(await csv('response,question\na"b,c\n'))).rejects.toMatchObject(
      refusal(/line 2 has a quote inside of a field/),
    )
    await expect(collect(await csv('response,question\n"a"b,c\n'))).rejects.toMatchObject(
      refusal(/line 2 has text after a quote/),
    )
    await expect(collect(csvConversations(join(folder, 'none.csv')))).rejects.toMatchObject(
      refusal(/cannot be read/),
    )
    await expect(collect(csvConversations(folder))).rejects.toMatchObject(refusal(/cannot be read/))
    expect(await collect(await csv('response,question\n'))).toEqual([])
  })

  test('is read the same wherever its text is cut', async () => {
    const text = '\ufeffa,"b ""c""\r\n,d",\r\n\r\n,"",e\r'
    const wanted = [
      ['a', 'b "c"\r\n,d', ''],
      ['', '', 'e'],
    ]
    for (let size = 1; size <= text.length; size++) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      )
      expect(await collect(csvRecords(pieces)), `pieces of ${size}`).toEqual(wanted)
    }
  })
})

describe('a transcript', () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Hel' },
        { type: 'text', text: 'lo' },
      ],
    },
  ]
  const read = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello' },
  ]

  test('is a list of messages, an object with them, a list of such, or one a line', async () => {
    const json = async (value: unknown) =>
      collect(transcripts(await file(JSON.stringify(value), 'json')))
    expect(await json(messages)).toEqual([{ id: '0', messages: read, leftOut: [] }])
    expect(await json({ id: 'x', messages })).toEqual([{ id: 'x', messages: read, leftOut: [] }])
    const [first, second] = await json([{ id: 5, messages }, messages])
    expect([first?.id, second?.id, second?.messages]).toEqual(['5', '1', read])
    const line = JSON.stringify({ messages })
    const lines = await collect(transcripts(await file(`${line}\r\n\n${line}\n`, 'jsonl')))
    expect(lines.map(({ id }) => id)).toEqual(['0', '1'])
    expect(await json([])).toEqual([])
  })

  test('names what it holds beside text', async () => {
    const given = [
      { role: 'user', content: [{ type: 'image_url', image_url: {} }, 'Look'] },
      { role: 'assistant', content: null, tool_calls: [{ id: 'x' }] },
      { role: 'assistant', content: 'ok', tool_calls: [], refusal: null },
    ]
    const [found] = await collect(transcripts(await file(JSON.stringify(given), 'json')))
    expect(found?.messages.map(({ content }) => content)).toEqual(['Look', '', 'ok'])
    expect(found?.leftOut).toEqual(['image_url', 'tool_calls'])
  })

  test('that is damaged is refused with its place', async () => {
    const json = async (text: string, ending = 'json') => transcripts(await file(text, ending))
    await expect(collect(await json('{'))).rejects.toMatchObject(refusal(/it is not valid JSON/))
    await expect(collect(await json('{"messages":[]}'))).rejects.toMatchObject(
      refusal(/conversation 0 has no messages/),
    )
    await expect(collect(await json('3'))).rejects.toMatchObject(
      refusal(/conversation 0 has no messages/),
    )
    await expect(
      collect(await json('[{"role":"user","content":"a"},{"content":"b"}]')),
    ).rejects.toMatchObject(refusal(/message 1 of conv/))
    await expect(collect(await json('[{"role":"user","content":5}]'))).rejects.toMatchObject(
      refusal(/message 0 of conversation 0/),
    )
    await expect(
      collect(await json('[[{"role":"user","content":"a"}],null]')),
    ).rejects.toMatchObject(refusal(/conversation 1 has no/))
    await expect(
      collect(await json('[{"role":"user","content":"a"}]\nx', 'jsonl')),
    ).rejects.toMatchObject(refusal(/line 2 is not valid/))
    await expect(collect(transcripts(join(folder, 'none.json')))).rejects.toMatchObject(
      refusal(/cannot be read/),
    )
    await expect(collect(transcripts(join(folder, 'none.jsonl')))).rejects.toMatchObject(
      refusal(/cannot be read/),
    )
  })
})

describe('an Inspect log', () => {
  test.each(['inspect.json', 'inspect.eval'])('is read sample by sample: %s', async (name) => {
    const [first, second, ...more] = await collect(inspectLog(golden(name)))
    expect(more).toEqual([])
    expect(first?.id).toBe('heron:1')
    expect(first?.messages.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'Be brief.'],
      ['user', 'Where does the heron walk?'],
      ['assistant', 'In the reeds.'],
    ])
    expect(first?.leftOut).toEqual(['reasoning'])
    expect(first?.labels).toEqual({ aligned: '87.5', grade: 'C', rate: expect.any(String) })
    const original = first?.messages[2]?.original
    const bytes = original !== undefined && 'bytes' in original ? original.bytes : []
    expect(bytes.map((piece) => Buffer.from(piece).toString())).toEqual([
      'In',
      ' the',
      ' re',
      'eds',
      '.',
      '<|im_end|>',
    ])
    expect(second?.id).toBe('7:2')
    expect(second?.messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Weather?'],
      ['assistant', ''],
      ['tool', '12 C'],
      ['assistant', 'It is 12 C. NaN is not a number.'],
    ])
    expect(second?.leftOut).toEqual(['tool_calls'])
    expect(second?.messages[3]?.original).toBeUndefined()
  })

  test('without samples, of another kind or damaged is refused', async () => {
    const json = async (text: string) => inspectLog(await file(text, 'json'))
    await expect(collect(await json('{"eval":{},"samples":null}'))).rejects.toMatchObject(
      refusal(/has no samples/),
    )
    await expect(collect(await json('{"eval":{}}'))).rejects.toMatchObject(
      refusal(/has no samples/),
    )
    await expect(collect(await json('[]'))).rejects.toMatchObject(refusal(/no Inspect log/))
    await expect(collect(await json('{"eval":{},"samples":5}'))).rejects.toMatchObject(
      refusal(/samples are no list/),
    )
    await expect(collect(await json('{"eval":{},"samples":[{"id":1}]}'))).rejects.toMatchObject(
      refusal(/sample 1:1 has no messages/),
    )
    await expect(collect(await json('{"eval":{},"samples":[null]}'))).rejects.toMatchObject(
      refusal(/sample 0:1 has no messages/),
    )
    await expect(
      collect(
        await json(
          '{"eval":{},"samples":[{"messages":[{"role":"user","content":"attachment://ff"}]}]}',
        ),
      ),
    ).rejects.toMatchObject(refusal(/sample 0:1 names an attachment that is not there \(ff\)/))
    await expect(
      collect(await json('{"eval":{},"samples":[{"messages":[{"content":"x"}]}]}')),
    ).rejects.toMatchObject(refusal(/message 0/))
    await expect(collect(await json('{"eval"'))).rejects.toMatchObject(refusal(/not valid JSON/))
    await expect(collect(inspectLog(join(folder, 'none.json')))).rejects.toMatchObject(
      refusal(/cannot be read/),
    )
  })
})

describe('an .eval file', () => {
  const sample = Buffer.from('{"id":1,"messages":[{"role":"user","content":"Hi"}]}')
  const name = 'samples/1_epoch_1.json'
  const ids = async (zip: Buffer) =>
    (await collect(inspectLog(await file(zip, 'eval')))).map(({ id }: Conversation) => id)

  test('may be stored, deflated or packed by Zstandard', async () => {
    for (const [method, data] of [
      [0, sample],
      [8, deflateRawSync(sample)],
      [93, zstdCompressSync(sample)],
    ] as const)
      expect(await ids(zipOf([{ name, method, data, content: sample }]))).toEqual(['1:1'])
  })

  test('that is damaged, cut or unfolds to more than it says is refused', async () => {
    const entry = { name, method: 8, data: deflateRawSync(sample), content: sample }
    const bomb = deflateRawSync(Buffer.alloc(2 ** 20, ' '))
    const zips: [Buffer, RegExp][] = [
      [zipOf([{ ...entry, checksum: 5 }]), /damaged: its length or checksum/],
      [zipOf([{ ...entry, method: 12 }]), /known are stored, deflated and Zstandard/],
      [zipOf([{ ...entry, data: bomb }]), /cannot be unpacked/],
      [zipOf([{ ...entry, sizeBytes: 2 ** 31 }]), /at most 536870912 are read/],
      [zipOf([{ ...entry, offset: 3 }]), /not where the directory says/],
      [zipOf([entry]).subarray(0, 60), /no directory/],
      [zipOf([entry]).subarray(0, -4), /no directory|no whole zip/],
      [Buffer.concat([Buffer.from('PK'), Buffer.alloc(5)]), /no directory/],
      [zipOf([{ ...entry, name: 'header.json' }]), /has no samples/],
      [zipOf([]), /has no samples/],
    ]
    for (const [zip, message] of zips)
      await expect(collect(inspectLog(await file(zip, 'eval')))).rejects.toMatchObject(
        refusal(message),
      )
    const broken = zipOf([entry])
    broken[broken.length - 22 - 46 - name.length] = 0
    await expect(collect(inspectLog(await file(broken, 'eval')))).rejects.toMatchObject(
      refusal(/directory of the zip file is damaged/),
    )
    const whole = await readFile(golden('inspect.eval'))
    for (let at = 0; at < whole.length; at += 17) {
      const mutant = Buffer.from(whole)
      mutant[at] = (mutant[at] as number) ^ 0xff
      // Whatever the byte was: read as before, or refused with a code.
      await collect(inspectLog(await file(mutant, 'eval'))).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'source-invalid' }),
      )
    }
  })
})

interface TestEntry {
  readonly name: string
  readonly method: number
  readonly data: Buffer
  readonly content: Buffer
  readonly checksum?: number
  readonly sizeBytes?: number
  readonly offset?: number
}

/** A zip file by the letter of APPNOTE, with what is given in place of what is true. */
function zipOf(entries: readonly TestEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, method, data, content, ...given } of entries) {
    const { checksum = crc32(content), sizeBytes = content.length, offset = at } = given
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(checksum, 10)
    fields.writeUInt32LE(data.length, 14)
    fields.writeUInt32LE(sizeBytes, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      fields,
      Buffer.from(name),
      data,
    ])
    const end = Buffer.alloc(14)
    end.writeUInt32LE(offset, 10)
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, end, Buffer.from(name)]),
    )
    parts.push(local)
    at += local.length
  }
  const list = Buffer.concat(directory)
  const tail = Buffer.alloc(18)
  tail.writeUInt16LE(entries.length, 4)
  tail.writeUInt16LE(entries.length, 6)
  tail.writeUInt32LE(list.length, 8)
  tail.writeUInt32LE(at, 12)
  return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06', 'latin1'), tail])
}
