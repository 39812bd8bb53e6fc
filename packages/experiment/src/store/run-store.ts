import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { JsonLinesWriter } from '@cem/core'
import type { RunEvent, StoredEvent } from '../events.ts'
import { readJsonLines } from './json-lines.ts'
import { claim, type Lease, type LeaseOptions } from './lease.ts'

/** A host's name as it begins the names of its writers. */
export function writerName(host: string): string {
  return host.replaceAll(/[^\w-]/g, '_')
}

/** The folders of a run: `results/.cem/<run>/`. */
export class RunStore {
  readonly folder: string
  /** Names this process in the store: every file is written by one process only. */
  readonly writer: string
  #events: Promise<JsonLinesWriter> | undefined

  constructor(resultsFolder: string, run: string) {
    this.folder = join(resultsFolder, '.cem', run)
    this.writer = `${writerName(hostname())}-${process.pid}-${randomBytes(3).toString('hex')}`
  }

  get lockFile(): string {
    return join(this.folder, 'lock.json')
  }

  get analysisFile(): string {
    return join(this.folder, 'analysis.json')
  }

  get alarmsFile(): string {
    return join(this.folder, 'alarms.json')
  }

  /** Everything that belongs to one cell. */
  cellFolder(cell: string): string {
    return join(this.folder, 'cells', cell.replaceAll('/', '_'))
  }

  /** Records an event, durably. */
  async record(event: RunEvent): Promise<StoredEvent> {
    this.#events ??= JsonLinesWriter.open(join(this.folder, 'events', `${this.writer}.jsonl`))
    const stored = { time: new Date().toISOString(), writer: this.writer, ...event }
    await (await this.#events).append(stored, { durable: true })
    return stored
  }

  /** All events of all processes, by time. */
  async events(): Promise<StoredEvent[]> {
    const all = await readFolder<StoredEvent>(join(this.folder, 'events'))
    return all.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  }

  /** As `events`, and none, with nothing made, where there is no run yet. */
  async eventsIfAny(): Promise<StoredEvent[]> {
    return existsSync(join(this.folder, 'events')) ? this.events() : []
  }

  /** Takes a unit for this process; undefined where another one has it. */
  claim(unit: string, options?: LeaseOptions): Promise<Lease | undefined> {
    const name = unit.replaceAll(/[^\w.@-]/g, '_')
    return claim(join(this.folder, 'leases', name), this.writer, options)
  }

  /** A file of this process for records of a kind (`completions`, `verdicts`). */
  openLedger(folder: string): Promise<JsonLinesWriter> {
    return JsonLinesWriter.open(join(folder, `${this.writer}.jsonl`))
  }

  /** Moves a cell's records aside, so that it is computed anew and nothing is lost. */
  async supersede(cell: string, part: string): Promise<void> {
    const from = join(this.cellFolder(cell), part)
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
    await rename(from, `${from}.superseded-${stamp}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  /** Closes the file of events of this process. */
  async close(): Promise<void> {
    if (this.#events !== undefined) await (await this.#events)[Symbol.asyncDispose]()
    this.#events = undefined
  }
}

/** The records of every `.jsonl` file in a folder. */
export async function readFolder<T>(folder: string): Promise<T[]> {
  await mkdir(folder, { recursive: true })
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).toSorted()
  const parts = await Promise.all(names.map((name) => readJsonLines<T>(join(folder, name))))
  return parts.flat()
}
