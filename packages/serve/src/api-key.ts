import { createHash, timingSafeEqual } from 'node:crypto'
import { ApiError } from './api-error.ts'

/**
 * Checks the key of a request; without one in the options any will do, and none.
 *
 * @throws ApiError 401 that shows neither key
 */
export function checkKey(authorization: string | undefined, apiKey: string | undefined): void {
  if (apiKey === undefined) return
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  // Hashes have one length, and comparing them takes one time.
  if (given !== undefined && timingSafeEqual(sha256(given), sha256(apiKey))) return
  throw new ApiError({
    status: 401,
    message: `This server needs a key (authorization: Bearer KEY), and ${given === undefined ? 'none was sent' : 'the one that was sent is not it'}.`,
    code: 'invalid_api_key',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
