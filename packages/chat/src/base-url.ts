import { CemError, messageOf } from '@cem/core'

export interface BaseUrl {
  /** As given to the client, query included (Azure's `?api-version=...`). */
  readonly href: string
  /** Without query: what errors and records show. */
  readonly shown: string
  readonly isLoopback: boolean
}

/** @throws CemError `bad-base-url` */
export function parseBaseUrl(value: string): BaseUrl {
  let url: URL
  try {
    url = new URL(value)
  } catch (error) {
    throw bad(`${JSON.stringify(value)} is not a URL (${messageOf(error)})`)
  }
  // Not echoed: a password would be shown.
  if (url.username || url.password)
    throw bad('it holds a user name or a password; pass the key as apiKey')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw bad(`its scheme is ${url.protocol}`)
  const path = url.pathname.replace(/\/+$/, '')
  const shown = `${url.origin}${path}`
  return { href: `${shown}${url.search}`, shown, isLoopback: isLoopback(url.hostname) }
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  )
}

function bad(what: string): CemError {
  return new CemError({
    code: 'bad-base-url',
    message: `The base URL cannot be used: ${what}. Give an http(s) URL such as https://api.openai.com/v1.`,
  })
}
