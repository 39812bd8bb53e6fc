import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'

/**
 * Reads the JSON body of a request.
 *
 * @throws ApiError 413 for more than `maxBytes`, 415 for another media type, 400 for what is no JSON in UTF-8
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  // A web page may send a form or plain text anywhere without asking; JSON it may not.
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json')
    throw new ApiError({
      status: 415,
      message: `The body must be JSON (content-type: application/json), and it is '${type.slice(0, 80)}'.`,
    })
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  // A request that is refused must not be destroyed: the client could not read why.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk as Buffer)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    // The parser's own words quote the body.
    throw new ApiError({ status: 400, message: 'The body is no valid JSON in UTF-8.' })
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError({
    status: 413,
    message: `The body is larger than the ${maxBytes} bytes that this server takes.`,
  })
}
