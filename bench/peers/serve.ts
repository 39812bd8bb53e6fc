import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

/** What the bench asks of a peer that generates. */
export interface GenerateRequest {
  readonly id: number
  readonly op: 'generate'
  /** All of one length. */
  readonly prompts: readonly (readonly number[])[]
  /** New tokens of every row; nothing ends it earlier. */
  readonly nNew: number
  readonly hasAdapter?: boolean
}

/** Answers requests, one a line of stdin, with one line of stdout each, until stdin ends. */
export async function serve(
  handle: (request: GenerateRequest) => Promise<{ tokens: number[][] }>,
): Promise<void> {
  answer({ id: 0, isReady: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as GenerateRequest
    try {
      answer({ id: request.id, ...(await handle(request)) })
    } catch (error) {
      answer({ id: request.id, error: String(error) })
    }
  }
  process.exit(0)
}

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** A package of the peers' folder, which lies outside the workspace. */
export async function importFrom<T>(folder: string, name: string): Promise<T> {
  const path = createRequire(join(folder, 'package.json')).resolve(name)
  return (await import(pathToFileURL(path).href)) as T
}
