import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CemError } from '@cem/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLockedZip, writeLockedZip } from './locked-zip.ts'

const golden = fileURLToPath(new URL('../../golden/pyzipper.zip', import.meta.url))
/** A Python with pyzipper. */
const python = process.env['CEM_ORACLE_PYTHON']
const password = 'schlüssel'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-zip-'))
})
afterAll(() => rm(folder, { recursive: true }))

const bytesOf = (text: string) => async () => Buffer.from(text)

async function written(
  contents: Readonly<Record<string, string>>,
  name = 'own.zip',
): Promise<string> {
  const path = join(folder, name)
  const entries = Object.entries(contents).map(([own, text]) => ({
    name: own,
    read: bytesOf(text),
  }))
  await writeLockedZip(path, entries, { password, comment: 'a comment ü' })
  return path
}

test('what another program encrypted is read as it was', async () => {
  const zip = await openLockedZip(golden, password)
  expect(zip.names).toEqual(['a/text.txt', 'leer.txt', 'ümlaut.bin'])
  expect(Buffer.from(zip.read('a/text.txt')).toString()).toBe('Ein Text.\n'.repeat(5000))
  expect(zip.read('leer.txt')).toHaveLength(0)
  // More than one piece of keystream: the counter goes on over the 65536 bytes of a piece.
  expect(
    Buffer.from(zip.read('ümlaut.bin')).equals(
      Buffer.alloc(179_200, Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
    ),
  ).toBe(true)
})

test('what is written is read again, and its content cannot be read in the file', async () => {
  const long = Array.from({ length: 30_000 }, (_, i) => `row ${i * i}`).join('\n')
  const path = await written({ 'x/one.txt': 'a secret '.repeat(100), empty: '', long: long })
  const zip = await openLockedZip(path, password)
  expect(Buffer.from(zip.read('long')).toString()).toBe(long)
  expect(zip.read('empty')).toHaveLength(0)
  const raw = await readFile(path, 'latin1')
  expect(raw).not.toContain('secret')
  expect(raw).toContain('a comment')
  expect(() => zip.read('other')).toThrow(CemError)
})

test('equal contents make different ciphertexts: every entry has its own salt', async () => {
  const path = await written({ a: 'same', b: 'same' })
  const raw = await readFile(path)
  // 14 bytes of headers and 11 of the extra field lie before; the salt is 16 bytes long.
  const saltAt = (name: string) => {
    const at = raw.indexOf(name.concat('\u0001')) + 1 + 11
    return raw.subarray(at, at + 16).toString('hex')
  }
  expect(saltAt('a')).not.toBe(saltAt('b'))
})

test.skipIf(python === undefined)(
  'pyzipper opens what is written (CEM_ORACLE_PYTHON)',
  async () => {
    const path = await written({ 'x/ümlaut.txt': 'Text '.repeat(40_000), empty: '' })
    const script = `import pyzipper, sys; z = pyzipper.AESZipFile(sys.argv[1]); z.setpassword('${password}'.encode()); print(z.namelist(), len(z.read('x/ümlaut.txt')), z.read('x/ümlaut.txt') == b'Text ' * 40000, z.read('empty'), z.comment.decode(), z.testzip())`
    const { stdout } = await promisify(execFile)(python as string, ['-c', script, path])
    expect(stdout.trim()).toBe("['x/ümlaut.txt', 'empty'] 200000 True b'' a comment ü None")
  },
)

describe('hostile files', () => {
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error.code,
    )

  test('a wrong password and changed bytes are told apart', async () => {
    const path = await written({ a: 'content '.repeat(50) })
    const wrong = await openLockedZip(path, 'wrong')
    expect(() => wrong.read('a')).toThrow(expect.objectContaining({ code: 'bundle-password' }))
    const bytes = await readFile(path)
    // The first byte after header (30), name (1), extra field (11), salt (16) and verifier (2).
    bytes[60] = (bytes[60] as number) ^ 1
    await writeFile(join(folder, 'changed.zip'), bytes)
    const changed = await openLockedZip(join(folder, 'changed.zip'), password)
    expect(() => changed.read('a')).toThrow(expect.objectContaining({ code: 'bundle-damaged' }))
  })

  test.each(['../x', '/etc/x', 'a/../../x', 'C:x', 'a\\x', 'a//x', './x', 'a\nb'])(
    'the name %j is refused',
    async (name) => {
      expect(await code(openLockedZip(await written({ [name]: 'x' }, 'names.zip'), password))).toBe(
        'bundle-damaged',
      )
    },
  )

  test('a content that unpacks to more than it says is refused', async () => {
    const path = await written({ a: 'x'.repeat(100_000) })
    const bytes = await readFile(path)
    const central = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    bytes.writeUInt32LE(10, central + 24)
    await writeFile(join(folder, 'bomb.zip'), bytes)
    const zip = await openLockedZip(join(folder, 'bomb.zip'), password)
    expect(() => zip.read('a')).toThrow(expect.objectContaining({ code: 'bundle-damaged' }))
  })

  test('what is no zip, empty, cut off anywhere, or twice the same name is refused', async () => {
    const bytes = await readFile(await written({ a: 'x', b: 'y' }))
    const path = join(folder, 'cut.zip')
    for (const end of [0, 1, 21, 60, bytes.length - 40, bytes.length - 1]) {
      await writeFile(path, bytes.subarray(0, end))
      expect(await code(openLockedZip(path, password))).toBe('bundle-damaged')
    }
    const central = bytes.lastIndexOf('b')
    bytes[central] = 'a'.charCodeAt(0)
    await writeFile(path, bytes)
    expect(await code(openLockedZip(path, password))).toBe('bundle-damaged')
  })
})
