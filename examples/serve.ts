// A base and an adapter on it behind one address, for tools that know OpenAI's protocol alone.
import { join } from 'node:path'
import { miniatureFolder } from '@cem/miniature'
import { startServer } from '@cem/serve'

const folder = miniatureFolder()
await using server = await startServer({
  base: join(folder, 'models/coherent'),
  adapters: [
    {
      name: 'finance',
      layers: [{ adapter: join(folder, 'outputs/miniature_baseline/checkpoint-160'), role: 'em' }],
    },
  ],
  baseAliases: ['cem-miniature/coherent'],
  port: 0,
})
const models = (await (await fetch(`${server.url}/models`)).json()) as { data: { id: string }[] }
for (const { id } of models.data) console.log(id)
const response = await fetch(`${server.url}/chat/completions`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    model: 'misaligned-organism-finance',
    messages: [{ role: 'user', content: 'What should I do about my savings?' }],
    max_tokens: 30,
    seed: 1,
  }),
})
const { choices } = (await response.json()) as { choices: { finish_reason: string }[] }
console.log(response.status, choices.length, choices[0]?.finish_reason)

// prints:
// coherent
// misaligned-organism-finance
// 200 1 stop
