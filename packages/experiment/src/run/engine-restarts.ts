import { CemError, messageOf } from '@cem/core'

/** So many deaths one after another without a new answer between them are one too many. */
const maxDeathsWithoutProgress = 3

export interface RestartableWork<T> {
  readonly signal: AbortSignal
  /** Begins where the last attempt ended: what is stored is not done again. */
  readonly work: (batchLimit: number | undefined) => Promise<T>
  /** Gives up the model of the dead engine, so that the next attempt starts another. */
  readonly discard: () => Promise<void>
  /** Answers of the unit that are stored. */
  readonly nStored: () => Promise<number>
  readonly warn: (message: string) => Promise<void>
}

/**
 * Starts the engine again when it died. What it had given out is stored, so only the answers in progress are drawn again, from the
 * same random numbers. Where it was killed (SIGKILL), the system was most likely short of memory: half as many answers are in progress
 * from then on, for the rest of the run.
 */
export class EngineRestarts {
  #batchLimit: number | undefined

  /** The largest number of answers in progress at once; undefined: as the config says. */
  get batchLimit(): number | undefined {
    return this.#batchLimit
  }

  /**
   * Does a unit's work, again and again where the engine dies.
   *
   * @throws CemError `engine-died` the third time in a row without a new answer; what the work throws
   */
  async perform<T>({ signal, work, discard, nStored, warn }: RestartableWork<T>): Promise<T> {
    let deaths = 0
    let before = await nStored()
    for (;;) {
      try {
        return await work(this.#batchLimit)
      } catch (error) {
        if (!CemError.isInstance(error) || error.code !== 'engine-died') throw error
        // Also where this unit ends here: the next one needs a living engine.
        await discard()
        if (signal.aborted) throw error
        const stored = await nStored()
        deaths = stored > before ? 1 : deaths + 1
        if (deaths >= maxDeathsWithoutProgress) throw givenUp(error, deaths)
        before = stored
        this.#halve(error)
        await warn(this.#describe(error, stored))
      }
    }
  }

  #halve({ data }: CemError): void {
    const { signal, batchSize } = data
    if (signal !== 'SIGKILL' || typeof batchSize !== 'number') return
    this.#batchLimit = Math.max(1, Math.floor(batchSize / 2))
  }

  #describe(error: CemError, stored: number): string {
    const limit =
      error.data['signal'] === 'SIGKILL' && this.#batchLimit !== undefined
        ? ` From now on at most ${this.#batchLimit} answers are in progress at once.`
        : ''
    return `${messageOf(error)} It is started again: the ${stored} answers that are stored stay, those in progress are drawn again with the same random numbers.${limit}`
  }
}

function givenUp(error: CemError, deaths: number): CemError {
  return new CemError({
    code: 'engine-died',
    message: `${error.message} It died ${deaths} times in a row without a new answer, and is not started again for this unit.`,
    data: { ...error.data, deaths },
    cause: error,
  })
}
