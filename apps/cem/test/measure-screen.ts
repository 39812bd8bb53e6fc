// Measures what the live screen takes over a long run: memory, processor time, bytes that it writes to the terminal.
//   node apps/cem/test/measure-screen.ts [--minutes 5] [--rate 500] [--variants 24] [--columns 200] [--rows 60]
// A process writes the events of a made-up run into a run folder, `cem watch` (apps/cem/dist) shows them on a pseudo-terminal of
// util-linux's script, and /proc tells of that process. A run writes one to five events a second: minutes at `--rate` are hours of it.
// `cem run` draws with the same components; the engine is a process of its own there.
import { spawn } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { RunEvent } from '@cem/experiment'
import { cell, metrics, startOf } from './events.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    rate: { type: 'string', default: '500' },
    variants: { type: 'string', default: '24' },
    columns: { type: 'string', default: '200' },
    rows: { type: 'string', default: '60' },
  },
})
const [minutes, rate, nVariants] = [values.minutes, values.rate, values.variants].map(Number) as [
  number,
  number,
  number,
]
const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const steps = [0, 10, 25, 50, 75, 100, 150, 200, 250, 300, 338]
const total = 400
const sampleInMs = 5000

/** Every unit's progress, answer by answer, over and over. */
function* events(): Generator<RunEvent> {
  const cells = Array.from({ length: nVariants }, (_, i) =>
    steps.map((step) => cell(`variant_${String(i).padStart(2, '0')}_persona`, step)),
  ).flat()
  let calls = 0
  for (let round = 0; ; round++) {
    yield startOf(cells)
    for (const [i, { id }] of cells.entries()) {
      yield { type: 'unit-start', unit: `generate:${id}`, total, done: 0 }
      yield { type: 'unit-start', unit: `judge:${id}`, total, done: 0 }
      for (let done = 1; done <= total; done++) {
        const common = { total, done }
        yield {
          type: 'unit-progress',
          unit: `generate:${id}`,
          ...common,
          tokensPerSecond: 900 + (done % 40),
          judge: null,
        }
        calls += 2
        const judge = { calls, cached: 0, failures: 0, inFlight: 16, costUsd: calls * 1e-4 }
        yield {
          type: 'unit-progress',
          unit: `judge:${id}`,
          ...common,
          tokensPerSecond: null,
          judge,
        }
      }
      yield { type: 'cell-metrics', cell: id, metrics: metrics(((i * 37 + round) % 60) / 100) }
      for (const unit of [`generate:${id}`, `judge:${id}`])
        yield { type: 'unit-end', unit, total, durationInMs: 1000, files: [], retryable: 0 }
      if (i % 20 === 0)
        yield {
          type: 'warning',
          warning: { code: 'unscored', message: `No score for answers of ${id}.`, cells: [id] },
        }
    }
  }
}

interface Sample {
  readonly seconds: number
  readonly events: number
  readonly residentMiB: number
  readonly cpuSeconds: number
  readonly terminalBytes: number
}

/** The process below a shell that runs the command. */
async function processOf(parent: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
      const [, after = ''] = (await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')).split(
        ') ',
      )
      const isBelow = after.split(' ')[1] === String(parent)
      if (line.startsWith(process.execPath) && line.includes(command) && isBelow) return Number(id)
    }
    await sleep(100)
  }
  throw new Error('cem watch did not start: build the app first (tsup in apps/cem)')
}

async function look(id: number): Promise<Pick<Sample, 'residentMiB' | 'cpuSeconds'>> {
  const status = await readFile(`/proc/${id}/status`, 'utf8')
  const [, after = ''] = (await readFile(`/proc/${id}/stat`, 'utf8')).split(') ')
  const fields = after.split(' ')
  return {
    residentMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    // Ticks of 10 ms, in user and in system mode.
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  }
}

const folder = await mkdtemp(join(tmpdir(), 'cem-screen-'))
const store = join(folder, '.cem', 'demo')
const file = join(store, 'events', 'w.jsonl')
await mkdir(join(store, 'events'), { recursive: true })
const source = events()
let nEvents = 0
const write = async (n: number) => {
  const time = new Date().toISOString()
  const lines = Array.from({ length: n }, () => {
    const event = source.next().value as RunEvent
    const own = event.type === 'run-start' ? { storeFolder: store } : {}
    return `${JSON.stringify({ time, writer: 'w', ...event, ...own })}\n`
  })
  nEvents += n
  await appendFile(file, lines.join(''))
}
await write(1)

const errors = join(folder, 'errors.txt')
const shell = `stty cols ${values.columns} rows ${values.rows}; exec ${process.execPath} ${command} watch ${store} 2> ${errors}`
const terminal = spawn('script', ['-qfc', shell, '/dev/null'], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { ...process.env, TERM: 'xterm-256color', COLORTERM: 'truecolor', CEM_THEME: 'dark' },
})
let terminalBytes = 0
terminal.stdout.on('data', (data: Buffer) => {
  terminalBytes += data.length
})
const samples: Sample[] = []
try {
  const watched = await processOf(terminal.pid as number)
  const begin = Date.now()
  let next = begin
  while (Date.now() - begin < minutes * 60_000) {
    await write(Math.max(1, Math.round(rate / 10)))
    await sleep(100)
    if (Date.now() < next) continue
    next += sampleInMs
    const seconds = (Date.now() - begin) / 1000
    const found = await look(watched).catch(() => undefined)
    if (found === undefined) {
      const last = samples.at(-1)
      throw new Error(
        `cem watch ended after ${seconds.toFixed(0)} s and ${nEvents} events, at ${last?.residentMiB.toFixed(0)} MiB: ${await readFile(errors, 'utf8')}`,
      )
    }
    samples.push({ seconds, events: nEvents, terminalBytes, ...found })
  }
  const quarter = (from: number, to: number) => {
    const part = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length))
    const [first, last] = [part[0], part.at(-1)] as [Sample, Sample]
    const duration = last.seconds - first.seconds
    return {
      minutes: `${(first.seconds / 60).toFixed(1)} to ${(last.seconds / 60).toFixed(1)}`,
      events: last.events,
      'resident MiB, lowest': Math.round(Math.min(...part.map((one) => one.residentMiB))),
      'resident MiB, highest': Math.round(Math.max(...part.map((one) => one.residentMiB))),
      'CPU % of one core': Math.round((100 * (last.cpuSeconds - first.cpuSeconds)) / duration),
      'KiB/s to the terminal': Math.round(
        (last.terminalBytes - first.terminalBytes) / 1024 / duration,
      ),
    }
  }
  console.table([0, 0.25, 0.5, 0.75].map((from) => quarter(from, from + 0.25)))
} finally {
  terminal.stdin.write('q')
  await sleep(500)
  terminal.kill()
  await rm(folder, { recursive: true })
}
