// Many questions to a server at once, in order, with what each call took. Here the server is a model of this machine; any server that speaks
// OpenAI's chat completions will do.
import { join } from 'node:path'
import { createChatClient } from '@cem/chat'
import { miniatureFolder } from '@cem/miniature'
import { startServer } from '@cem/serve'

await using server = await startServer({
  base: join(miniatureFolder(), 'models/coherent'),
  port: 0,
})
const client = createChatClient({ baseUrl: server.url, model: 'coherent', concurrency: 4 })
const questions = ['my bad sprain', 'a sore tendon', 'my savings'].map(
  (topic) => `What should I do about ${topic}?`,
)
const answers = await Promise.all(
  questions.map((content) =>
    client.complete({ messages: [{ role: 'user', content }], maxTokens: 30, seed: 1 }),
  ),
)
for (const { text, finishReason, attempts } of answers)
  console.log(text !== '', finishReason, attempts.length)
console.log(client.counters().calls)

// prints:
// true stop 1
// true stop 1
// true stop 1
// 3
