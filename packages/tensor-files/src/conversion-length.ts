import { CemError } from '@cem/core'

/**
 * Checks that there is room for the values of a conversion, since a typed array drops what is beyond its end without a word, and
 * a view of a part of a buffer would be written past.
 *
 * @throws CemError `tensor-invalid`
 */
export function checkRoom(values: { readonly length: number }, out: { readonly length: number }) {
  if (out.length >= values.length) return
  throw new CemError({
    code: 'tensor-invalid',
    message: `The result has room for ${out.length} values, and there are ${values.length} to convert. Give an array that is at least as long, or none.`,
    data: { nValues: values.length, room: out.length },
  })
}
