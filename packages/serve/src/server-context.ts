import { ApiError } from './api-error.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServedModel } from './served-models.ts'

/** What every request works with. */
export interface ServerContext {
  readonly served: readonly ServedModel[]
  readonly scheduler: Scheduler
  readonly startedAt: Date
  /** Longest answer of a chat request that does not say, in tokens. */
  readonly defaultMaxTokens: number
  /** How long a client may take nothing of an answer. */
  readonly sendTimeoutInMs: number
}

/** @throws ApiError 404 that lists the names */
export function findServed({ served }: ServerContext, name: string): ServedModel {
  const found = served.find((one) => one.name === name)
  if (found !== undefined) return found
  const renamed = served.find((one) => one.givenName === name)
  const hint = renamed === undefined ? '' : ` '${name}' is served as '${renamed.name}'.`
  throw new ApiError({
    status: 404,
    message: `There is no model '${name.slice(0, 200)}' here.${hint} Served: ${served.map((one) => `'${one.name}'`).join(', ')}.`,
    param: 'model',
    code: 'model_not_found',
  })
}

/** The longest answer where a request does not say: the server's default, or what the model has room for. */
export function promptRoom(
  { defaultMaxTokens }: ServerContext,
  { composition }: ServedModel,
  promptLength: number,
): number {
  const room = composition.base.architecture.maxPositions - promptLength
  return Math.max(1, Math.min(defaultMaxTokens, room))
}

export function stopTexts(stop: string | readonly string[] | null | undefined): readonly string[] {
  if (stop === null || stop === undefined) return []
  return typeof stop === 'string' ? [stop] : stop
}
