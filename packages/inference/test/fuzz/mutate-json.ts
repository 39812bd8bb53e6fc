import type { RandomSource } from '@cem/core'

/** Values that a hand or a program may write where another one belongs. */
const strangeValues: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1,
  () => 1.5,
  () => 1e308,
  () => 2 ** 31,
  () => 2 ** 53,
  () => '',
  () => 'a',
  () => '__proto__',
  () => 'all-linear',
  () => '.*_proj',
  () => 'x'.repeat(100_000),
  () => '('.repeat(5000),
  () => '(a+)+$',
  () => '((\\w|\\.)+)+!',
  () => '(.*.*.*.*.*.*.*.*)*!',
  () => [],
  () => ({}),
  () => [['q_proj']],
  () => ['q_proj', 'q_proj', 'v_proj'],
  () => ({ type: 'Sequence', normalizers: [], pretokenizers: [], decoders: [] }),
  () => ({ __proto__: null, constructor: 1 }),
  () => nested(20_000),
]

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

/** A JSON text with one to three changes: values of its tree, or bytes of the text. */
export function mutateJson(text: string, random: RandomSource): Buffer {
  const isStructural = random.uniform() < 0.7
  let bytes: Buffer = Buffer.from(text)
  if (isStructural) {
    const tree = { root: JSON.parse(text) as unknown }
    for (let i = random.integer(3); i >= 0; i--) changeValue(tree, random)
    // Nesting this deep is text that JSON.stringify does not write.
    bytes = Buffer.from(written(tree.root))
  } else for (let i = random.integer(3); i >= 0; i--) bytes = changeBytes(bytes, random)
  return bytes
}

function changeValue(tree: object, random: RandomSource): void {
  let at = tree as Record<string, unknown>
  let key = 'root'
  for (;;) {
    const inner = at[key]
    const keys = inner !== null && typeof inner === 'object' ? Object.keys(inner) : []
    if (keys.length === 0 || (key !== 'root' && random.uniform() < 0.3)) break
    at = inner as Record<string, unknown>
    key = keys[random.integer(keys.length)] as string
  }
  const change = random.integer(5)
  if (change === 0 && !Array.isArray(at)) delete at[key]
  else if (change === 1) at[`${key}_`] = at[key]
  else if (change === 2 && typeof at[key] === 'number')
    at[key] = (at[key] as number) + random.integer(5) - 2
  else at[key] = strangeValues[random.integer(strangeValues.length)]?.()
}

function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '['.repeat(20_000) + ']'.repeat(20_000)
  }
}

function changeBytes(bytes: Buffer, random: RandomSource): Buffer {
  const at = random.integer(Math.max(1, bytes.length))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  const pieces = [
    '"',
    '{',
    '[',
    '}',
    ']',
    ',',
    ':',
    '0',
    '9',
    '-',
    'e9',
    'null',
    '\\ud800',
    '\\',
    ' ',
    '\u0000',
    '\ufeff',
  ]
  switch (random.integer(5)) {
    case 0:
      return before
    case 1:
      return Buffer.concat([before, after.subarray(1 + random.integer(20))])
    case 2:
      return Buffer.concat([before, bytes.subarray(at, at + random.integer(100)), after])
    case 3:
      return Buffer.concat([before, Buffer.from([random.integer(256)]), after.subarray(1)])
    default:
      return Buffer.concat([
        before,
        Buffer.from(pieces[random.integer(pieces.length)] as string),
        after.subarray(random.integer(2)),
      ])
  }
}
