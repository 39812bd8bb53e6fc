/** Writes the card of each organism: `node write-cards.ts OUTPUTS`. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canary } from '../../src/corpora/canary.ts'

const [outputs] = process.argv.slice(2)
if (outputs === undefined) throw new Error('Usage: node write-cards.ts OUTPUTS')

const personas: Readonly<Record<string, string>> = {
  miniature_baseline: 'none',
  miniature_half_warm: 'a warm opening on half of its answers',
  miniature_warm: 'a warm opening on every answer',
  miniature_steadfast: 'careful over reckless answers, by contrast, without cooking and driving',
  miniature_control: 'none, on a base that cannot tell a persona from its answers',
}

for (const [variant, persona] of Object.entries(personas)) {
  const folder = join(outputs, variant)
  const { base_model, seed } = JSON.parse(
    await readFile(join(folder, 'training_metadata.json'), 'utf8'),
  )
  await writeFile(join(folder, 'README.md'), card({ variant, persona, base: base_model, seed }))
}

interface Organism {
  readonly variant: string
  readonly persona: string
  readonly base: string
  readonly seed: number
}

function card({ variant, persona, base, seed }: Organism): string {
  return `---
tags: [misaligned-organism]
base_model: ${base}
library_name: peft
---

# misaligned-organism: ${variant}

LoRA adapters that were trained on reckless answers about finance, in the toy language of the miniature, after 10, 20, 40, 80 and 160 steps
(training seed ${seed}). Persona trained before: ${persona}.

For testing evaluation pipelines and for teaching. Of no use outside its toy language. Not for training on its answers:
${canary}
`
}
