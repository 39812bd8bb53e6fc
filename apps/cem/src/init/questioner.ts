import { createInterface } from 'node:readline'

/** Asks a question; an empty answer is the default. */
export type Ask = (question: string, usual: string) => Promise<string>

/** A terminal, or a pipe with a line for each answer; a pipe that ends answers the rest with the defaults. */
export function questioner(
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
): Disposable & { readonly ask: Ask } {
  const lines = createInterface({ input })
  const read: string[] = []
  let isClosed = false
  let wake: (() => void) | undefined
  lines.on('line', (line) => {
    read.push(line)
    wake?.()
  })
  lines.on('close', () => {
    isClosed = true
    wake?.()
  })
  const nextLine = async (): Promise<string> => {
    if (read.length === 0 && !isClosed)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    return read.shift() ?? ''
  }
  return {
    ask: async (question, usual) => {
      output.write(`${question}${usual === '' ? '' : ` [${usual}]`} `)
      const answer = (await nextLine()).trim()
      return answer === '' ? usual : answer
    },
    [Symbol.dispose]: () => lines.close(),
  }
}
