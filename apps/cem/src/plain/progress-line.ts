/** Prints how far a command is: on a terminal one line that changes, in a pipe a line now and then. */
export function progressLine(what: string): (done: number, total: number) => void {
  const isTerminal = process.stderr.isTTY
  const intervalInMs = isTerminal ? 100 : 5000
  let last = 0
  return (done, total) => {
    const now = Date.now()
    if (now - last < intervalInMs && done < total) return
    last = now
    const text = `${what} ${done} of ${total}`
    if (!isTerminal) process.stderr.write(`${text}\n`)
    else process.stderr.write(`\r${text}${done >= total ? '\n' : ''}`)
  }
}
