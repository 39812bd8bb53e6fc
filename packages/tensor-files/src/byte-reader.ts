/** Bytes in order, from a file or a decompressor. */
export interface ByteReader {
  /** Fills the whole of `target` with the next bytes. */
  readInto(target: Uint8Array): Promise<void>
  /** Passes over the next bytes. */
  skip(byteCount: number): Promise<void>
}
