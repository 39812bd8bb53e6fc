import { execFileSync } from 'node:child_process'

/** The interpreter of a Python with numpy and safetensors; tests that need it are skipped without. */
export const oraclePython = process.env['CEM_ORACLE_PYTHON'] ?? ''

/** Runs a Python script and parses the JSON that it prints. */
export function askPython(script: string, ...args: readonly string[]): unknown {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 26 } as const
  return JSON.parse(execFileSync(oraclePython, ['-c', script, ...args], options))
}
