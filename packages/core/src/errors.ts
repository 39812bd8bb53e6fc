const marker = Symbol.for('@cem/core/CemError')

export interface CemErrorOptions {
  /** Stable, kebab-case, for programs to switch on. */
  readonly code: string
  /** What happened, to what, and what to do about it. */
  readonly message: string
  /** The facts behind the message. Never a key, a prompt or a tensor. */
  readonly data?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * The one error class of the `@cem` packages. Recognise it with `CemError.isInstance`, which also knows errors made by
 * another installed copy of this package, where `instanceof` does not.
 */
export class CemError extends Error {
  override readonly name = 'CemError'
  readonly code: string
  readonly data: Readonly<Record<string, unknown>>

  constructor({ code, message, data = {}, cause }: CemErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.data = data
    Object.defineProperty(this, marker, { value: true })
  }

  /** Whether something that was thrown is one of these errors, of whatever installed copy of this package. */
  static isInstance(value: unknown): value is CemError {
    return typeof value === 'object' && value !== null && marker in value
  }

  /** Plain data that survives a process boundary or a JSON file; `fromJSON` turns it back. */
  toJSON(): SerializedError {
    return { code: this.code, message: this.message, data: this.data }
  }

  /** The error that `toJSON` made plain data of. */
  static fromJSON({ code, message, data }: SerializedError): CemError {
    return new this({ code, message, data })
  }
}

export interface SerializedError {
  readonly code: string
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
