import { optionalBranches } from '../graph/io-names.ts'
import type { LoadReport } from './messages.ts'
import type { Provider } from './provider.ts'

export type PlacementReason = 'noise' | 'index' | 'interventions' | 'truncation' | 'fallback'

/** Which of a model's nodes the runtime placed where. */
export interface Placement {
  /** Nodes by the runtime's name of the provider, such as `WebGpuExecutionProvider`. */
  readonly nNodes: Readonly<Record<string, number>>
  /** Operators that are computed on the CPU though another provider was asked for, with their number of nodes. */
  readonly onCpu: readonly {
    readonly operator: string
    readonly count: number
    /**
     * `noise`: the noise of sampling, which is kept on the CPU so that it is the same numbers everywhere. `index`: sizes and
     * token ids. `interventions` and `truncation` (top_k, top_p): computed only where a request asks for them. `fallback`: real
     * computation of every run, which the provider has no kernel for; it costs a copy there and back.
     */
    readonly reason: PlacementReason
  }[]
  /** Layers whose attention is computed from plain operators, since the provider's own operator is wrong for them here. */
  readonly plainAttentionLayers: readonly number[]
  /** Most tokens of a row in one run, where the provider's attention is wrong for more; null for any number. */
  readonly maxColumns: number | null
}

export interface PlacedNode {
  readonly executor: string
  readonly operator: string
  readonly name: string
}

const cpuExecutor = 'CPUExecutionProvider'

/** Operators that, in the decoder's graph, work on sizes, flags and token ids. */
const indexOperators = new Set([
  'Concat',
  'Expand',
  'Identity',
  'Less',
  'Reshape',
  'Shape',
  'Squeeze',
  'Unsqueeze',
  'Where',
])

/** Sums up where the nodes of a session are. */
export function describePlacement(
  nodes: readonly PlacedNode[],
  { plainLayers, maxColumns, hostNodes }: Omit<LoadReport, 'durationInMs'>,
): Placement {
  const noise = new Set(hostNodes)
  const groups = Map.groupBy(nodes, (node) => node.executor)
  const onCpu = Map.groupBy(groups.get(cpuExecutor) ?? [], (node) =>
    JSON.stringify([node.operator, reasonOf(node, noise)]),
  )
  return {
    nNodes: Object.fromEntries(Array.from(groups, ([executor, group]) => [executor, group.length])),
    onCpu: Array.from(onCpu.values(), (group) => {
      const [node] = group as [PlacedNode]
      return { operator: node.operator, count: group.length, reason: reasonOf(node, noise) }
    }),
    plainAttentionLayers: plainLayers,
    maxColumns: Number.isFinite(maxColumns) ? maxColumns : null,
  }
}

function reasonOf({ operator, name }: PlacedNode, noise: ReadonlySet<string>): PlacementReason {
  if (noise.has(name)) return 'noise'
  const scopes = name.split('/')
  if (scopes.includes(optionalBranches.interventions)) return 'interventions'
  if (scopes.includes(optionalBranches.truncation)) return 'truncation'
  return indexOperators.has(operator) ? 'index' : 'fallback'
}

/** Words for what a reader of the results has to know of a placement; none where there is nothing. */
export function placementWarnings(provider: Provider, placement: Placement): string[] {
  const fallbacks = placement.onCpu.filter(({ reason }) => reason === 'fallback')
  if (fallbacks.length === 0) return []
  const list = fallbacks.map(({ operator, count }) => `${count} x ${operator}`).join(', ')
  return [
    `The provider ${provider} has no kernel for a part of the model, which runs on the CPU instead, with a copy there and back: ${list}.`,
  ]
}

/**
 * Reads node placements out of the runtime's log, which is the only place where it tells them. Gives back the text that is not
 * of this kind.
 */
export class PlacementLog {
  #partial = ''
  #executor = ''
  #nodes: PlacedNode[] = []
  #isComplete = false
  #wake: (() => void) | undefined

  /** Forgets the session before. */
  reset(): void {
    this.#nodes = []
    this.#isComplete = false
  }

  /** Takes a piece of the process's standard error, and gives back what of it is no placement. */
  read(chunk: string): string {
    const lines = (this.#partial + chunk).split(/(?<=\n)/)
    // A line that is not whole yet is kept back only while it may be the log's: a process that dies may not end its last one.
    const last = lines.at(-1) ?? ''
    const isOpen = !last.endsWith('\n') && (last.length < 40 || /:onnxruntime/.test(last))
    this.#partial = isOpen ? (lines.pop() ?? '') : ''
    return lines.filter((line) => !this.#take(line)).join('')
  }

  /** What is left at the process's end. */
  end(): string {
    const rest = this.#partial
    this.#partial = ''
    return this.#take(rest) ? '' : rest
  }

  /** The nodes, once the log of the session has arrived; undefined where it does not within the time. */
  async nodes(timeoutInMs = 5000): Promise<readonly PlacedNode[] | undefined> {
    if (!this.#isComplete) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, timeoutInMs)
      })
      clearTimeout(timer)
    }
    return this.#isComplete ? this.#nodes : undefined
  }

  /** Takes a line of the runtime's log below the level of warnings. */
  #take(line: string): boolean {
    if (!/\[[VI]:onnxruntime/.test(line)) return false
    const executor = /(?:Node\(s\)|All nodes) placed on \[(\w+)\]/.exec(line)?.[1]
    const node = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \((.*)\)\s*$/.exec(line)
    if (executor !== undefined) this.#executor = executor
    else if (node !== null)
      this.#nodes.push({
        executor: this.#executor,
        operator: node[1] as string,
        name: node[2] as string,
      })
    else if (line.includes('Session successfully initialized')) {
      this.#isComplete = true
      this.#wake?.()
    }
    return true
  }
}
