/** A safetensors file from parts that need not fit together. */
export function safetensorsBytes(
  header: unknown,
  dataBytes = 0,
  { headerLength }: { headerLength?: bigint } = {},
): Buffer {
  const json = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(headerLength ?? BigInt(json.length))
  const data = Buffer.from(Array.from({ length: dataBytes }, (_, i) => i + 1))
  return Buffer.concat([prefix, json, data])
}
