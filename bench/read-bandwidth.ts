import { Worker } from 'node:worker_threads'

/**
 * A WebAssembly module with one function, `read(start, end)`: loads every 16 bytes of a range of shared memory into four SIMD
 * accumulators (128 bytes a turn). A loop of plain JavaScript would measure itself, not the memory.
 */
const reader =
  'AGFzbQEAAAABBwFgAn9/AX8CDQEBbQNtZW0CAwGAgAIDAgEABwgBBHJlYWQAAAqKAQGHAQEEewNAIAIgAP0ABAD9UCECIAMgAP0ABBD9UCEDIAQgAP0ABCD9UCEEIAUgAP0ABDD9UCEFIAIgAP0ABED9UCECIAMgAP0ABFD9UCEDIAQgAP0ABGD9UCEEIAUgAP0ABHD9UCEFIABBgAFqIQAgACABSQ0ACyACIAP9UCAEIAX9UP1Q/RsACw=='

const worker = `
const { workerData, parentPort } = require('node:worker_threads')
const { bytes, memory, start, end } = workerData
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { mem: memory } })
parentPort.on('message', () => { exports.read(start, end); parentPort.postMessage(0) })
parentPort.postMessage(0)
`

/** WebAssembly is not in the type library of Node alone. */
interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}
const { Memory } = (
  globalThis as unknown as {
    WebAssembly: {
      Memory: new (options: { initial: number; maximum: number; shared: true }) => SharedMemory
    }
  }
).WebAssembly

/** Measures how fast this machine reads memory, again and again: a shared machine changes from second to second. */
export interface BandwidthMeter extends AsyncDisposable {
  /** Bytes a second that all threads read together from 1 GiB, beyond any cache: the median of five passes, a quarter of a second in all. */
  readonly measure: () => Promise<number>
}

export async function openBandwidthMeter(nThreads: number): Promise<BandwidthMeter> {
  const pages = 2 ** 14
  const memory = new Memory({ initial: pages, maximum: 2 ** 15, shared: true })
  // Untouched pages would all be one page of zeros.
  new Float64Array(memory.buffer).fill(1)
  const sizeBytes = pages * 2 ** 16
  const part = Math.floor(sizeBytes / nThreads / 128) * 128
  const bytes = Buffer.from(reader, 'base64')
  const workers = Array.from(
    { length: nThreads },
    (_, i) =>
      new Worker(worker, {
        eval: true,
        workerData: { bytes, memory, start: i * part, end: (i + 1) * part },
      }),
  )
  const all = (begin: (w: Worker) => void) =>
    Promise.all(
      workers.map(
        (w) =>
          new Promise<void>((resolve) => {
            w.once('message', () => resolve())
            begin(w)
          }),
      ),
    )
  await all(() => undefined)
  const pass = async () => {
    const start = performance.now()
    await all((w) => w.postMessage(0))
    return (part * nThreads) / ((performance.now() - start) / 1000)
  }
  return {
    measure: async () => {
      const passes: number[] = []
      for (let i = 0; i < 5; i++) passes.push(await pass())
      return passes.toSorted((a, b) => a - b)[2] as number
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((w) => w.terminate()))
    },
  }
}
