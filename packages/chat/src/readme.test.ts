import { expect, test } from 'vitest'
import { completionBody, sendJson, startServer } from '../test/fault-server.ts'
import { readExamples, runExample } from '../test/readme.ts'

test('the example of the README prints what it says', async () => {
  await using server = await startServer(({ index }, response) => {
    if (index === 0) sendJson(response, {}, 429, { 'retry-after-ms': '1' })
    else sendJson(response, completionBody())
  })
  const examples = await readExamples(new URL('../README.md', import.meta.url))
  expect(examples).toHaveLength(1)
  for (const example of examples) {
    const printed = await runExample(example, {
      'http://127.0.0.1:8000/v1': server.baseUrl,
      "'@cem/chat'": `'${new URL('./index.ts', import.meta.url).href}'`,
    })
    expect(printed).toBe(example.printed)
  }
})
