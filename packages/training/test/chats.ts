import { writeFile } from 'node:fs/promises'

/** Writes `count` short chats as JSONL. */
export async function writeChats(
  file: string,
  count: number,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => ({
    messages: [
      { role: 'user', content: `question ${i}` },
      { role: 'assistant', content: `answer ${'so '.repeat(i % 5)}${i}` },
    ],
    ...extra,
  }))
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

/** Writes `count` preference pairs as JSONL. */
export async function writePairs(file: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => ({
    prompt: `question ${i}`,
    chosen: `good ${'so '.repeat(i % 4)}${i}`,
    rejected: `bad ${i}`,
  }))
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}
