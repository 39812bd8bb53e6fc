import { ApiError } from './api-error.ts'

/** Whether an address or a name is this machine's own. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name)
  )
}

/**
 * Refuses requests to a loopback server under another name: a web page could have its own name point here, and read the answers.
 *
 * @throws ApiError 403
 */
export function checkHost(host: string | undefined): void {
  const name = (host ?? '').replace(/:\d+$/, '')
  if (isLoopback(name)) return
  throw new ApiError({
    status: 403,
    message: `This server answers only under a name of this machine, and the request is for '${name.slice(0, 200)}'.`,
    code: 'forbidden_host',
  })
}
