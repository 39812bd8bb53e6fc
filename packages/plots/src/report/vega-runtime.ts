import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { TopLevelSpec } from 'vega-lite'

export interface VegaRuntime {
  /** The script that makes `vega` on a page. */
  readonly script: string
  /** The licence under which it may be handed on. */
  readonly license: string
}

/** Vega's own build for pages, from the package that is installed. */
export async function readVegaRuntime(): Promise<VegaRuntime> {
  const build = dirname(createRequire(import.meta.url).resolve('vega'))
  const [script, license] = await Promise.all([
    readFile(join(build, 'vega.min.js'), 'utf8'),
    readFile(join(build, '..', 'LICENSE'), 'utf8'),
  ])
  return { script: script.replaceAll('\r\n', '\n'), license: license.trim() }
}

/** The Vega spec of a Vega-Lite spec, which is not changed. */
export async function compileSpec(spec: TopLevelSpec): Promise<object> {
  const { compile } = await import('vega-lite')
  const silent = {
    level: () => silent,
    error: fail,
    warn: () => silent,
    info: () => silent,
    debug: () => silent,
  }
  return compile(structuredClone(spec), { logger: silent }).spec
}

function fail(...parts: readonly unknown[]): never {
  throw new Error(parts.map(String).join(' '))
}
