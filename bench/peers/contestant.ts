/** What takes part in the comparison: the engine, or a peer in a process of its own. Only one of them works at a time. */
export interface Contestant extends AsyncDisposable {
  readonly name: string
  /** Whether its numbers are the engine's, up to rounding: float32 weights. */
  readonly isExact: boolean
  readonly canAdapt: boolean
  /** How it picks tokens while it is timed: sampled at temperature 1, or greedy, which costs less. */
  readonly decoding: 'sampled' | 'greedy'
  /** Does what is no part of the timed work: switches the adapter. */
  readonly prepare: (hasAdapter: boolean) => Promise<void>
  /** New tokens of each row, exactly `nNew`. */
  readonly generate: (request: Generation) => Promise<number[][]>
  /**
   * Generates and gathers mean hidden states of the answers; a peer that cannot do both at once does one after the other, and
   * says how long each took.
   */
  readonly experiment?: (request: Generation) => Promise<ExperimentTimes>
}

export interface Generation {
  /** All of one length. */
  readonly prompts: readonly (readonly number[])[]
  readonly nNew: number
  readonly temperature: number
  readonly hasAdapter: boolean
}

export interface ExperimentTimes {
  readonly tokens: number[][]
  readonly generateMs: number
  /** Null where the states were gathered while generating. */
  readonly extractMs: number | null
}
