/** A tensor's place on disk. */
export interface WeightLocation {
  /** Real path of the file. */
  readonly file: string
  readonly dtype: 'F32' | 'F16' | 'BF16'
  readonly shape: readonly number[]
  /** From the start of the file. */
  readonly byteOffset: number
  readonly byteLength: number
}

export type WeightLocations = ReadonlyMap<string, WeightLocation>
