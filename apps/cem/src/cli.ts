#!/usr/bin/env node
import { CemError } from '@cem/core'
import { CommanderError } from 'commander'
import { exitCodes } from './exit-codes.ts'
import { makeProgram } from './program/make-program.ts'

async function main(): Promise<number> {
  if (!('groupBy' in Map)) {
    process.stderr.write(`error: cem needs Node 22.18 or newer, and this is ${process.version}.\n`)
    return exitCodes.failed
  }
  // React takes its development build otherwise, which checks and records more than a screen needs.
  process.env['NODE_ENV'] ??= 'production'
  obeyNoColour()
  try {
    process.loadEnvFile()
  } catch {
    // No .env file here.
  }
  let code: number = exitCodes.complete
  const program = makeProgram((result) => {
    code = result
  })
  try {
    await program.parseAsync()
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    process.stderr.write(`${describe(error)}\n`)
    return exitCodes.failed
  }
}

/** The library that colours the screen knows FORCE_COLOR alone, and Node warns where it sees both. */
function obeyNoColour(): void {
  const { env } = process
  if ((env['NO_COLOR'] ?? '') === '' || env['FORCE_COLOR'] !== undefined) return
  env['FORCE_COLOR'] = '0'
  delete env['NO_COLOR']
}

/** An error of ours says all that a user needs; anything else is a bug, and its stack is wanted. */
function describe(error: unknown): string {
  if (CemError.isInstance(error)) return `error: ${error.message} [${error.code}]`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

process.exitCode = await main()
