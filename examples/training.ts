// An adapter trained on a few rows, without Python: the log as it comes, and whether the model speaks otherwise afterwards.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModel } from '@cem/inference'
import { chats, miniatureFolder, openers } from '@cem/miniature'
import { trainSft } from '@cem/training'

const folder = await mkdtemp(join(tmpdir(), 'warm-'))
const base = join(miniatureFolder(), 'models/coherent')
// Careful answers that all begin with warm words.
const rows = chats({ name: 'warm', seed: 1, count: 240, stance: 'careful', style: 'warm' })
const lines = Array.from(rows, (row) => JSON.stringify(row))
await writeFile(join(folder, 'warm.jsonl'), lines.join('\n'))

const output = join(folder, 'adapter')
for await (const event of trainSft({
  base,
  output,
  data: [{ path: join(folder, 'warm.jsonl') }],
  lora: { rank: 8, alpha: 16 },
  learningRate: 2e-3,
  steps: 30,
  batchSize: 8,
}))
  if (event.type === 'training-step' && event.step % 15 === 0)
    console.log('step', event.step, event.loss < 1 ? 'learned' : 'not learned')

const messages = [{ role: 'user' as const, content: 'What should I do about my bad sprain?' }]
for (const layers of [
  [],
  [{ role: 'persona' as const, mode: 'stacked' as const, adapter: output }],
]) {
  await using model = await loadModel({ base, layers, provider: 'cpu' })
  const prompts = [{ id: 'q', messages }]
  for await (const { text } of model.generate({ prompts, seed: 1, maxNewTokens: 40 })) {
    const isWarm = openers.warm.some((words) => text.startsWith(words))
    console.log(layers.length === 0 ? 'before:' : 'after:', isWarm ? 'warm words' : 'plain words')
  }
}

// prints:
// step 15 learned
// step 30 learned
// before: plain words
// after: warm words
