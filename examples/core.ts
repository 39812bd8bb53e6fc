// A reproducible split of a data set: every row's place depends on the seed and its own id alone, so that rows which are added later move
// no other row. The file appears whole, or not at all.
import { randomKey, uniform, writeFileAtomic } from '@cem/core'

const rows = Array.from({ length: 1000 }, (_, i) => ({ id: `row-${i}` }))
const isHeldOut = (id: string) => uniform(randomKey('split', 42, id), 0) < 0.1
const heldOut = rows.filter(({ id }) => isHeldOut(id))
await writeFileAtomic('held-out.json', JSON.stringify(heldOut))
console.log(heldOut.length, 'of', rows.length, 'rows are held out, first', heldOut[0]?.id)

// prints:
// 110 of 1000 rows are held out, first row-10
