import {
  copyGraph,
  lengthenGraph,
  mergeRowsGraph,
  readRowGraph,
  shortenGraph,
  zerosGraph,
} from '../graph/row-graphs.ts'
import type { Provider } from './provider.ts'
import { booleans, createSession, int64s, type RuntimeSession, type Tensor } from './runtime.ts'

/** Rows of a tensor that are replaced by rows of another one. */
export interface RowMove {
  readonly from: number
  readonly to: number
}

/**
 * Tensors that stay on the device between runs, through small graphs: the runtime's binding has no other way to make, copy or
 * read them. Who asks for one disposes of it, before this.
 */
export class DeviceMemory implements AsyncDisposable {
  readonly #provider: Provider
  readonly #sessions = new Map<string, Promise<RuntimeSession>>()

  constructor(provider: Provider) {
    this.#provider = provider
  }

  async zeros(shape: readonly number[]): Promise<Tensor> {
    const rank = shape.length
    const session = await this.#session(`zeros ${rank}`, () => zerosGraph(rank), true)
    const sizes = int64s(BigInt64Array.from(shape, BigInt), [rank])
    return (await session.run({ shape: sizes }, { zeros: null }))['zeros'] as Tensor
  }

  /** Lets go of the last tensor of zeros of this rank, which its session holds on to: it makes a small one. */
  async forgetZeros(rank: number): Promise<void> {
    release(await this.zeros(Array.from({ length: rank }, () => 1)))
  }

  /** A copy of a tensor that is not empty. */
  async upload(tensor: Tensor): Promise<Tensor> {
    const rank = tensor.dims.length
    const session = await this.#session(`copy ${rank}`, () => copyGraph(rank), true)
    return (await session.run({ x: tensor }, { copy: null }))['copy'] as Tensor
  }

  /** A copy on the host. */
  async download(tensor: Tensor): Promise<Tensor> {
    const rank = tensor.dims.length
    const session = await this.#session(`download ${rank}`, () => copyGraph(rank), false)
    return (await session.run({ x: tensor }, { copy: null }))['copy'] as Tensor
  }

  /** A copy of a tensor [M, H, C, D] with C made `length`: cut off, or filled up with zeros. */
  async withLength(tensor: Tensor, length: number): Promise<Tensor> {
    const [m, h, c, d] = tensor.dims as [number, number, number, number]
    if (length <= c) {
      const session = await this.#session('shorten', shortenGraph, true)
      const feeds = { x: tensor, length: int64s(BigInt64Array.of(BigInt(length)), [1]) }
      return (await session.run(feeds, { shorter: null }))['shorter'] as Tensor
    }
    const session = await this.#session('lengthen', lengthenGraph, true)
    const more = await this.zeros([m, h, length - c, d])
    const { longer } = await session.run({ x: tensor, more }, { longer: null })
    release(more)
    await this.forgetZeros(4)
    return longer as Tensor
  }

  /** Writes `target` with rows of `source` in it into `out`, a third tensor of the target's shape. */
  async mergeRows(
    target: Tensor,
    source: Tensor,
    moves: readonly RowMove[],
    out: Tensor,
  ): Promise<void> {
    const rank = target.dims.length
    const nRows = target.dims[0] as number
    const rows = new BigInt64Array(nRows)
    const isTaken = new Uint8Array(nRows)
    for (const { from, to } of moves) {
      rows[to] = BigInt(from)
      isTaken[to] = 1
    }
    const session = await this.#session(`merge ${rank}`, () => mergeRowsGraph(rank), false)
    const mask = booleans(
      isTaken,
      target.dims.map((_, i) => (i === 0 ? nRows : 1)),
    )
    await session.run(
      { target, source, rows: int64s(rows, [nRows]), is_taken: mask },
      { merged: out },
    )
  }

  /** One row of each of these tensors [N, D], on the host. */
  async readRow(tensors: readonly Tensor[], row: number): Promise<Float32Array[]> {
    const count = tensors.length
    const session = await this.#session(`read ${count}`, () => readRowGraph(count), false)
    const feeds: Record<string, Tensor> = { row: int64s(BigInt64Array.of(BigInt(row)), [1]) }
    const fetches: Record<string, null> = {}
    for (const [i, tensor] of tensors.entries()) {
      feeds[`x.${i}`] = tensor
      fetches[`row.${i}`] = null
    }
    const result = await session.run(feeds, fetches)
    return tensors.map((_, i) => (result[`row.${i}`] as Tensor).data as Float32Array)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release()
    this.#sessions.clear()
  }

  #session(key: string, graph: () => Uint8Array, keepsOutputs: boolean): Promise<RuntimeSession> {
    let session = this.#sessions.get(key)
    if (session === undefined) {
      const options = { threads: 1, provider: this.#provider, keepsOutputs }
      session = createSession(graph(), options)
      this.#sessions.set(key, session)
    }
    return session
  }
}

/** Frees a tensor of the device. */
export function release(tensor: Tensor): void {
  tensor.dispose()
}
