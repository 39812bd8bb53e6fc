import { pullModel } from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { terminalText } from '../terminal-text.ts'
import { abortOnSignals } from './abort-on-signals.ts'

/** `cem pull MODEL` */
export async function pullCommand(
  model: string,
  { all = false }: { readonly all?: boolean },
): Promise<number> {
  using signals = abortOnSignals()
  const { signal } = signals
  const isTerminal = process.stderr.isTTY
  try {
    for await (const event of pullModel(model, { all, signal })) {
      if (event.type === 'pull-start')
        print(`${event.name} at ${event.commit}: ${event.nFiles} files, ${size(event.totalBytes)}`)
      else if (event.type === 'file-end')
        print(`${event.status} ${event.path} (${size(event.sizeBytes)})`, isTerminal)
      else if (event.type === 'pull-end') print(`it is in ${event.folder}`)
      else if (isTerminal) {
        const share = ((100 * event.doneBytes) / Math.max(1, event.totalBytes)).toFixed(1)
        const line = `${share} % of ${size(event.totalBytes)}, ${event.path}`
        process.stderr.write(`\r\u001b[K${terminalText(line)}`)
      }
    }
  } catch (error) {
    if (isTerminal) process.stderr.write('\r\u001b[K')
    if (!signal.aborted) throw error
    process.stderr.write('stopped; the same command goes on where it was\n')
    return exitCodes.stopped
  }
  return exitCodes.complete
}

function print(line: string, isOverProgress = false): void {
  if (isOverProgress) process.stderr.write('\r\u001b[K')
  process.stdout.write(`${terminalText(line)}\n`)
}

function size(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(2)} GiB`
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(1)} MiB`
  return `${bytes} bytes`
}
