import { CemError, messageOf } from '@cem/core'

export interface ApiErrorOptions {
  /** The HTTP status. */
  readonly status: number
  readonly message: string
  /** The parameter that is wrong. @default null */
  readonly param?: string | null
  /** A word for programs. @default null */
  readonly code?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that is an error, shaped as OpenAI's clients expect it. */
export class ApiError extends Error {
  readonly status: number
  readonly param: string | null
  readonly code: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor({ status, message, param = null, code = null, headers = {} }: ApiErrorOptions) {
    super(message)
    this.status = status
    this.param = param
    this.code = code
    this.headers = headers
  }

  /** The JSON of the answer. */
  get body() {
    const { message, param, code } = this
    return { error: { message, type: typeOf(this.status), param, code } }
  }
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** Errors of the engine that the request is to blame for. */
const ofRequest: ReadonlySet<string> = new Set([
  'invalid-request',
  'chat-template-failed',
  'chat-template-missing',
])

/** What went wrong, as an answer. Only the messages of our own errors are shown: others could hold anything. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (!CemError.isInstance(error))
    return new ApiError({
      status: 500,
      message: 'The server failed inside.',
      code: 'internal_error',
    })
  const { code, message } = error
  if (code === 'sequence-too-long')
    return new ApiError({ status: 400, message, code: 'context_length_exceeded' })
  if (ofRequest.has(code)) return new ApiError({ status: 400, message, code })
  return new ApiError({ status: code === 'engine-died' ? 503 : 500, message, code })
}

/** A 400 that names a parameter. */
export function badParameter(param: string, message: string, code = 'invalid_value'): ApiError {
  return new ApiError({ status: 400, message, param, code })
}

/** What a log may say of an error. */
export function describeError(error: unknown): string {
  if (CemError.isInstance(error)) return `${error.message} [${error.code}]`
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
}
