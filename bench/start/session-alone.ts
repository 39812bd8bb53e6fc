// A fresh process that only makes the session of a graph. Arguments: GRAPH WEIGHTS_FOLDER THREADS. Prints
// { createInMs, sinceStartInMs }.
import { readFile } from 'node:fs/promises'
import { createSession } from '../../packages/inference/src/engine/runtime.ts'

const [graphPath, folder, threads] = process.argv.slice(2) as [string, string, string]
const graph = await readFile(graphPath)
const start = performance.now()
await createSession(graph, { threads: Number(threads), folder })
const end = performance.now()
// The time origin of `performance` is the process's start.
process.stdout.write(JSON.stringify({ createInMs: end - start, sinceStartInMs: end }))
process.exit(0)
