import { type Composition, type Device, type Model, openModel } from '@cem/inference'

export interface ModelPoolOptions {
  readonly threads?: number | undefined
  /** @default what `auto` means */
  readonly provider?: Device | undefined
  readonly cache?: string | undefined
}

/** Keeps one loaded model: cells on the same base switch adapters, another base takes another process. */
export class ModelPool implements AsyncDisposable {
  readonly #options: ModelPoolOptions
  #model: Model | undefined

  constructor(options: ModelPoolOptions = {}) {
    this.#options = options
  }

  /** The model, switched to this composition and tested. */
  async activate(composition: Composition, signal?: AbortSignal): Promise<Model> {
    if (this.#model?.composition.base.folder !== composition.base.folder) {
      await this.discard()
      this.#model = await openModel(composition, { ...this.#options, signal })
    } else await this.#model.activate(composition, signal)
    return this.#model
  }

  /** Ends the process of the model, for instance after it died. */
  async discard(): Promise<void> {
    const model = this.#model
    this.#model = undefined
    await model?.[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.discard()
  }
}
