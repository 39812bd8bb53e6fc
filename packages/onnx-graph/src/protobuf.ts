const encoder = new TextEncoder()

/** Writes protobuf's wire format, as far as ONNX needs it: varints, floats and length-delimited fields. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = []
  #sizeBytes = 0

  /** An integer field; `bigint` beyond 2^53. Negative numbers take ten bytes, as in the format's int64. */
  int(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#varint(value)
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.#tag(field, 5).#push(bytes)
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#varint(value.byteLength).#push(value)
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value))
  }

  message(field: number, write: (writer: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter()
    write(inner)
    this.#tag(field, 2).#varint(inner.#sizeBytes)
    for (const chunk of inner.#chunks) this.#push(chunk)
    return this
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#sizeBytes)
    let offset = 0
    for (const chunk of this.#chunks) {
      out.set(chunk, offset)
      offset += chunk.byteLength
    }
    return out
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(field * 8 + wireType)
  }

  #varint(value: number | bigint): this {
    let rest = BigInt.asUintN(64, BigInt(value))
    const bytes: number[] = []
    do {
      const low = Number(rest & 0x7fn)
      rest >>= 7n
      bytes.push(rest > 0n ? low | 0x80 : low)
    } while (rest > 0n)
    return this.#push(Uint8Array.from(bytes))
  }

  #push(chunk: Uint8Array): this {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.byteLength
    return this
  }
}
