// How far did training move each kind of module? Reads an adapter's matrices and writes their norms where numpy finds them.
import { join } from 'node:path'
import { miniatureFolder } from '@cem/miniature'
import { createNpzWriter, openSafetensors } from '@cem/tensor-files'

const adapter = join(miniatureFolder(), 'outputs/miniature_baseline/checkpoint-160')
await using file = await openSafetensors(join(adapter, 'adapter_model.safetensors'))
const squares = new Map<string, number>()
for (const name of file.tensors.keys()) {
  const kind = /(\w+)\.lora_B/.exec(name)?.[1]
  if (kind === undefined) continue
  const { data } = await file.readFloat32(name)
  squares.set(
    kind,
    data.reduce((sum, x) => sum + x * x, squares.get(kind) ?? 0),
  )
}
{
  await using writer = await createNpzWriter('norms.npz')
  for (const [kind, square] of squares)
    await writer.add(kind, { dtype: 'F32', shape: [], data: Float32Array.of(Math.sqrt(square)) })
}
console.log([...squares.keys()].toSorted().join(' '))

// prints:
// down_proj gate_proj k_proj o_proj q_proj up_proj v_proj
