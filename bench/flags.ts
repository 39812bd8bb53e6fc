import { parseArgs } from 'node:util'
import { type PeerName, peerNames } from './peers/find-peers.ts'

export const sectionNames = [
  'miniature',
  'engine',
  'int8',
  'start',
  'checkpoints',
  'peers',
  'training',
] as const
export type SectionName = (typeof sectionNames)[number]

/** What is run beside peers. */
export const workloadNames = ['small', 'large', 'experiment'] as const
export type WorkloadName = (typeof workloadNames)[number]

export interface Flags {
  readonly only: readonly SectionName[]
  readonly peers: readonly PeerName[]
  readonly workloads: readonly WorkloadName[]
  readonly rounds: number
  readonly isQuick: boolean
  readonly json: string | undefined
  readonly isRecorded: boolean
}

const usage = `npm run bench -- [flags]
  --only NAMES    sections: ${sectionNames.join(', ')} (default: all)
  --peers NAMES   ${peerNames.join(', ')}, or none (default: all that are installed)
  --workloads NAMES  beside peers: ${workloadNames.join(', ')} (default: all)
  --rounds N      rounds of what is measured beside peers (default: 2)
  --quick         two layers, few tokens, one round: shows that everything works, and measures nothing
  --json FILE     writes all figures there
  --record        writes them to bench/results/, with a table`

/** The flags of the bench; a wrong one ends the process with what there is. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      workloads: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 2))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is '${values.rounds}'; it must be a positive integer`)
  if (values.quick && values.record)
    throw new Error('--quick measures nothing: there is nothing to --record')
  return {
    only: listOf('--only', values.only, sectionNames),
    peers: values.peers === 'none' ? [] : listOf('--peers', values.peers, peerNames),
    workloads: listOf('--workloads', values.workloads, workloadNames),
    rounds,
    isQuick: values.quick,
    json: values.json,
    isRecorded: values.record,
  }
}

function listOf<T extends string>(flag: string, given: string | undefined, all: readonly T[]): T[] {
  if (given === undefined) return [...all]
  const wanted = given.split(',')
  const unknown = wanted.find((name) => !all.includes(name as T))
  if (unknown !== undefined)
    throw new Error(`${flag} has '${unknown}'; there are ${all.join(', ')}\n\n${usage}`)
  return all.filter((name) => wanted.includes(name))
}
