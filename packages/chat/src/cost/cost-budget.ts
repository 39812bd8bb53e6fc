import { CemError } from '@cem/core'
import { badOption } from '../limiter/limiter-options.ts'

export interface CostBudgetOptions {
  /** In USD. No call is begun whose worst case could pass it. */
  readonly maxUsd: number
  /** What earlier runs have spent of it, in USD. @default 0 */
  readonly alreadySpentUsd?: number
}

export interface CostBudgetState {
  readonly maxUsd: number
  /** By the usage that the server reported, failed attempts included, and what was spent before. */
  readonly spentUsd: number
  /** The worst case of attempts whose usage is unknown and that may be billed: timeouts, broken connections, aborts. */
  readonly possibleUsd: number
  /** The worst case of what is under way. */
  readonly reservedUsd: number
}

export interface CostReservation {
  /** Must be called once when the call has ended. */
  settle(cost: { readonly spentUsd: number; readonly possibleUsd: number }): void
}

/** A sum of money that clients may share. */
export interface CostBudget {
  /**
   * Sets the worst case of a call aside. Where it only does not fit because of what is under way, waits until that is settled.
   *
   * @throws the signal's reason when it aborts
   * @throws CemError `cost-limit`, whose `data` is `CostLimitData`
   */
  reserve(worstUsd: number, signal?: AbortSignal): Promise<CostReservation>
  /** What is spent, and what is set aside for calls under way. */
  state(): CostBudgetState
}

export interface CostLimitData {
  readonly maxUsd: number
  readonly spentUsd: number
  readonly possibleUsd: number
  /** Of the call that was not begun. */
  readonly worstCaseUsd: number
  /** Where the call had been tried before (`Attempt`s, oldest first): another attempt of it did not fit. */
  readonly earlierAttempts?: readonly unknown[]
}

interface Waiter {
  readonly worstUsd: number
  readonly resolve: (reservation: CostReservation) => void
  readonly reject: (error: Error) => void
}

/** Sums of many small amounts are off by less than this share. */
const roundingShare = 1e-9

/** @throws CemError `bad-chat-option` */
export function createCostBudget({ maxUsd, alreadySpentUsd = 0 }: CostBudgetOptions): CostBudget {
  for (const [name, value] of [
    ['maxUsd', maxUsd],
    ['alreadySpentUsd', alreadySpentUsd],
  ] as const)
    if (!(typeof value === 'number' && Number.isFinite(value) && value >= 0))
      throw badOption(name, value, 'an amount of USD, a number of at least 0')
  const most = maxUsd * (1 + roundingShare)
  const waiters: Waiter[] = []
  let spentUsd = alreadySpentUsd
  let possibleUsd = 0
  let reservedUsd = 0
  let nReserved = 0

  const limitError = (worstCaseUsd: number) => {
    const data: CostLimitData = { maxUsd, spentUsd, possibleUsd, worstCaseUsd }
    const unknown =
      possibleUsd > 0
        ? `, and up to ${usd(possibleUsd)} by attempts whose usage the server did not report`
        : ''
    return new CemError({
      code: 'cost-limit',
      message: `${usd(spentUsd)} are spent${unknown}. The next call could cost up to ${usd(worstCaseUsd)} and pass the limit of ${usd(maxUsd)}, so it was not begun. Raise maxCostUsd to go on.`,
      data: { ...data },
    })
  }

  const reservation = (worstUsd: number): CostReservation => {
    reservedUsd += worstUsd
    nReserved++
    let isSettled = false
    return {
      settle: (cost) => {
        if (isSettled) return
        isSettled = true
        nReserved--
        // Sums of floats drift; where nothing is left, nothing is.
        reservedUsd = nReserved === 0 ? 0 : reservedUsd - worstUsd
        spentUsd += cost.spentUsd
        possibleUsd += cost.possibleUsd
        pump()
      },
    }
  }

  const pump = () => {
    for (let next = waiters[0]; next !== undefined; next = waiters[0]) {
      const sure = spentUsd + possibleUsd + next.worstUsd
      if (sure <= most && sure + reservedUsd > most) return
      waiters.shift()
      if (sure > most) next.reject(limitError(next.worstUsd))
      else next.resolve(reservation(next.worstUsd))
    }
  }

  return {
    reserve: (worstUsd, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        const leave = () => signal?.removeEventListener('abort', onAbort)
        const waiter: Waiter = {
          worstUsd,
          resolve: (made) => {
            leave()
            resolve(made)
          },
          reject: (error) => {
            leave()
            reject(error)
          },
        }
        const onAbort = () => {
          waiters.splice(waiters.indexOf(waiter), 1)
          reject(signal?.reason as Error)
          pump()
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        waiters.push(waiter)
        pump()
      }),
    state: () => ({ maxUsd, spentUsd, possibleUsd, reservedUsd }),
  }
}

/** Whether an error says that a cost limit was reached: every other call of this size would end alike. */
export function isCostLimitError(error: unknown): error is CemError {
  return CemError.isInstance(error) && error.code === 'cost-limit'
}

function usd(amount: number): string {
  return `${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(2)} USD`
}
