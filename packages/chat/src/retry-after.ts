/**
 * How long the server asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date
 * (RFC 9110, section 10.2.3). Undefined where it asks nothing, or nothing that can be read; a date in the past is 0.
 */
export function retryAfterOf(headers: Headers, nowInMs: number): number | undefined {
  const milliseconds = headers.get('retry-after-ms')?.trim()
  if (milliseconds && decimal.test(milliseconds)) return Number(milliseconds)
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (decimal.test(value)) return Number(value) * 1000
  // Date.parse takes much that is no date (`-5` is a year), so a weekday has to lead.
  const date = /^[a-z]{3,9},? /i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowInMs)
}

const decimal = /^\d{1,12}(\.\d{1,12})?$/
