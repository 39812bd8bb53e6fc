/** What a causal cell does to the model of another cell, and along which direction. */
export interface CausalSpec {
  /**
   * `steer`: the direction is added to the model without EM. `ablate`: it is taken out of the EM model, at every layer (Arditi et
   * al., 2024). `cap`: the EM model's projection on it is held down. `floor`: that of the model without EM is held up, which
   * moves the states that lie low and leaves the others alone.
   */
  readonly action: 'steer' | 'floor' | 'ablate' | 'cap'
  /** For `steer`: at the prompt's last token, or at every position. */
  readonly steerAt?: 'prompt-end' | 'everywhere'
  /**
   * In units of the displacement's norm; null for `ablate`. For `steer` the length that is added, for `cap` and `floor` the limit, from
   * the mean projection without EM (0) to that with it (1).
   */
  readonly strength: number | null
  /** `contrast` is the direction under test; `random` has its norm and the covariance of the states. */
  readonly direction: 'contrast' | 'random'
  /** Which of the random directions, from 1; null for the contrast. */
  readonly draw: number | null
  /** Cell whose model is changed: what the cell is compared with. */
  readonly target: string
  /** Cells that the direction tells apart. */
  readonly without: string
  readonly with: string
  readonly position: 'prompt-end' | 'answers'
  /** Prompts that the direction is made from. */
  readonly questions: 'inDomain' | 'main'
  /** Null: the middle layer of the model. */
  readonly layer: number | null
}
