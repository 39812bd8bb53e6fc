/** What the server answers a request with: an HTTP status and a JSON body. */
export interface ApiReply {
  readonly status: number
  readonly body: unknown
}

/** An error body as the OpenAI API shapes it. */
export function apiError(
  status: number,
  message: string,
  {
    parameter = null,
    code = null,
  }: { readonly parameter?: string | null; readonly code?: string | null } = {},
): ApiReply {
  return {
    status,
    body: { error: { message, type: 'invalid_request_error', param: parameter, code } },
  }
}
