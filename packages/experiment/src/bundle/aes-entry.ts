import { createCipheriv, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a zip entry of WinZip's AE-2 with AES-256 holds beside its ciphertext: https://www.winzip.com/en/support/aes-encryption/ */
const saltBytes = 16
const verifierBytes = 2
const tagBytes = 10

/** By how much a content grows. */
export const aesOverheadBytes = saltBytes + verifierBytes + tagBytes

/** The content of an entry: salt, verifier of the password, ciphertext, and the beginning of its HMAC-SHA1. */
export function encryptEntry(
  content: Uint8Array,
  password: string,
  salt: Uint8Array = randomBytes(saltBytes),
): Buffer {
  const keys = keysOf(password, salt)
  const ciphertext = applyKeystream(content, keys.encryption)
  return Buffer.concat([salt, keys.verifier, ciphertext, tagOf(ciphertext, keys.authentication)])
}

export type Decrypted =
  | { readonly status: 'open'; readonly content: Uint8Array }
  | { readonly status: 'wrong-password' | 'damaged' }

/** The content of an entry. A wrong password passes for a right one in 1 of 65536 cases, and then counts as damage. */
export function decryptEntry(sealed: Uint8Array, password: string): Decrypted {
  if (sealed.length < aesOverheadBytes) return { status: 'damaged' }
  const keys = keysOf(password, sealed.subarray(0, saltBytes))
  const begin = saltBytes + verifierBytes
  if (!timingSafeEqual(keys.verifier, sealed.subarray(saltBytes, begin)))
    return { status: 'wrong-password' }
  const ciphertext = sealed.subarray(begin, sealed.length - tagBytes)
  const tag = sealed.subarray(sealed.length - tagBytes)
  if (!timingSafeEqual(tagOf(ciphertext, keys.authentication), tag)) return { status: 'damaged' }
  return { status: 'open', content: applyKeystream(ciphertext, keys.encryption) }
}

/** PBKDF2 with HMAC-SHA1 and 1000 rounds, as the format has it: long passwords are what makes it hard to guess them. */
function keysOf(password: string, salt: Uint8Array) {
  const all = pbkdf2Sync(password, salt, 1000, 66, 'sha1')
  return {
    encryption: all.subarray(0, 32),
    authentication: all.subarray(32, 64),
    verifier: all.subarray(64),
  }
}

function tagOf(ciphertext: Uint8Array, key: Uint8Array): Buffer {
  return createHmac('sha1', key).update(ciphertext).digest().subarray(0, tagBytes)
}

const blocksPerPiece = 4096

/** AES in counter mode with a little-endian counter from 1, which no cipher of Node's counts: blocks of counters are encrypted. */
function applyKeystream(input: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  const output = new Uint8Array(input.length)
  const counters = Buffer.alloc(16 * blocksPerPiece)
  for (let offset = 0, block = 1; offset < input.length; offset += counters.length) {
    for (let i = 0; i < blocksPerPiece; i++) counters.writeUInt32LE(block++, 16 * i)
    const keystream = cipher.update(counters)
    const end = Math.min(input.length, offset + counters.length)
    for (let i = offset; i < end; i++)
      output[i] = (input[i] as number) ^ (keystream[i - offset] as number)
  }
  return output
}
