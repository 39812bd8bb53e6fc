/** An npy array from parts that need not fit together. */
export function npyBytes(
  dict: string | Uint8Array,
  data: Uint8Array = new Uint8Array(),
  { major = 1, length }: { major?: number; length?: number } = {},
): Buffer {
  const text = Buffer.from(dict)
  const start = Buffer.alloc(major === 1 ? 10 : 12)
  start.write('\x93NUMPY', 'latin1')
  start[6] = major
  start.writeUIntLE(length ?? text.length, 8, major === 1 ? 2 : 4)
  return Buffer.concat([start, text, data])
}

/** The header text of a row-major array. */
export function npyDict(descr: string, shape: string): string {
  return `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`
}
