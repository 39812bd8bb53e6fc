import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openBase } from '../packages/inference/dist/index.js'
import { buildDecoderGraph } from '../packages/inference/src/graph/decoder-graph.ts'
import { figureOf, type SectionResult } from './figure.ts'
import { spread } from './numbers.ts'
import { targets } from './targets.ts'

const run = promisify(execFile)

export interface StartOptions {
  /** A model in one file. */
  readonly base: string
  /** For the graph and for caches of hashes. */
  readonly folder: string
  readonly rounds: number
}

interface Start {
  readonly firstTokenInMs: number
  readonly sinceStartInMs: number
}

/**
 * The first token of a fresh process against the making of the session alone in another fresh process, in turns; with the
 * hashes of the weights unknown, and with those of the run before. The file is in the system's cache in all of them.
 */
export async function measureStart(options: StartOptions): Promise<SectionResult> {
  const graph = await writeGraph(options)
  const session: number[] = []
  const unknown: Start[] = []
  const known: Start[] = []
  for (let i = 0; i < options.rounds; i++) {
    const cache = join(options.folder, `start-cache-${i}`)
    const threads = String(availableParallelism())
    const alone = await child('session-alone', [graph, dirname(await weightFile(options)), threads])
    session.push((alone as { createInMs: number }).createInMs)
    unknown.push((await child('first-token', [options.base, cache])) as Start)
    known.push((await child('first-token', [options.base, cache])) as Start)
  }
  const seconds = (values: readonly number[]) => spread(values.map((ms) => ms / 1000))
  const ratios = (starts: readonly Start[], of: 'firstTokenInMs' | 'sinceStartInMs') =>
    spread(starts.map((start, i) => start[of] / (session[i] as number)))
  const firstTokens = (starts: readonly Start[]) => seconds(starts.map((s) => s.firstTokenInMs))
  return {
    title: 'First token of a cold process, random 0.5B-shape Qwen2',
    figures: [
      figureOf('session alone', 's', seconds(session)),
      figureOf('loadModel to first token, hashes unknown', 's', firstTokens(unknown)),
      figureOf('loadModel to first token, hashes known', 's', firstTokens(known)),
      figureOf(
        'first token, hashes unknown, of the session alone',
        'x',
        ratios(unknown, 'firstTokenInMs'),
        targets.firstToken,
      ),
      figureOf(
        'first token, hashes known, of the session alone',
        'x',
        ratios(known, 'firstTokenInMs'),
        targets.firstToken,
      ),
      figureOf(
        "first token since the process's start, hashes known, of the session alone",
        'x',
        ratios(known, 'sinceStartInMs'),
      ),
    ],
    notes: [
      'The session alone is InferenceSession.create of the same graph in a process that does nothing else; the first token counts from the call of loadModel (its own process, self-test and hashes among it).',
    ],
  }
}

async function child(name: string, args: readonly string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(`./start/${name}.ts`, import.meta.url))
  const { stdout } = await run(process.execPath, [path, ...args])
  return JSON.parse(stdout)
}

async function weightFile({ base }: StartOptions): Promise<string> {
  const { weights } = await openBase(base)
  return [...weights.values()][0]?.file as string
}

async function writeGraph({ base, folder }: StartOptions): Promise<string> {
  const { architecture, weights, tokenizer } = await openBase(base)
  const { model: graph } = buildDecoderGraph({
    architecture,
    weights,
    nTokens: Math.min(tokenizer.nTokens, architecture.vocabSize),
    locate: (file) => file.slice(dirname(file).length + 1),
    samplesByBlocks: true,
  })
  const path = join(folder, 'graph.onnx')
  await writeFile(path, graph)
  return path
}
