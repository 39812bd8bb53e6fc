import { dirname } from 'node:path'
import { type ReactElement, useEffect, useState } from 'react'
import { bytesText } from '../terminal-text.ts'
import { type Machine, readMachine } from './data/machine.ts'
import { nameWidth } from './now-panel.tsx'
import { Text } from './text.tsx'
import { useTheme } from './theme.ts'

const intervalInMs = 5000
/** Below these a run is about to fail. */
const littleDiskBytes = 5 * 2 ** 30
const littleMemoryShare = 0.05

/** The machine as it is now, looked at every few seconds. */
export function useMachine(storeFolder: string): Machine | undefined {
  const [machine, setMachine] = useState<Machine | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    const look = () => {
      readMachine(storeFolder === '' ? '' : dirname(storeFolder)).then(
        (found) => {
          if (isCurrent) setMachine(found)
        },
        () => undefined,
      )
    }
    look()
    const timer = setInterval(look, intervalInMs)
    return () => {
      isCurrent = false
      clearInterval(timer)
    }
  }, [storeFolder])
  return machine
}

export interface MachineLineProps {
  readonly machine: Machine | undefined
  /** Whether the run is this process's: another one's memory may be another machine's. */
  readonly isOwn: boolean
}

/** Disk and memory. */
export function MachineLine({ machine, isOwn }: MachineLineProps): ReactElement {
  const theme = useTheme()
  if (machine === undefined) return <Text dimColor>{'machine'.padEnd(nameWidth)}…</Text>
  const { diskFreeBytes, memoryFreeBytes, memoryTotalBytes, ownBytes } = machine
  const isDiskLow = diskFreeBytes !== null && diskFreeBytes < littleDiskBytes
  const isMemoryLow = memoryFreeBytes < littleMemoryShare * memoryTotalBytes
  return (
    <Text wrap="truncate">
      {'machine'.padEnd(nameWidth)}
      <Text color={isDiskLow ? theme.bad : undefined}>
        disk {diskFreeBytes === null ? 'unknown' : `${bytesText(diskFreeBytes)} free`}
        {isDiskLow ? ' (LOW)' : ''}
      </Text>
      {' · '}
      <Text color={isMemoryLow ? theme.bad : undefined}>
        memory {bytesText(memoryFreeBytes).replace(/ GiB$/, '')} of {bytesText(memoryTotalBytes)}{' '}
        free
        {isMemoryLow ? ' (LOW)' : ''}
        {isOwn ? '' : ' here'}
      </Text>
      {isOwn && ownBytes !== null ? ` · run takes ${bytesText(ownBytes)}` : ''}
    </Text>
  )
}
