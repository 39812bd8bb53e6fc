import { invalidRows, readRows } from '../store/rows.ts'

/**
 * First user turns of a file of JSON lines: `prompt` (a text or a list of messages), `messages`, or `conversations` (a list of texts, or of
 * `{ from, value }`), as data sets of general prompts have them.
 *
 * @throws CemError `rows-unreadable`, `rows-invalid`
 */
export async function readExtraPrompts(
  path: string,
): Promise<{ readonly prompts: readonly string[]; readonly sha256: string }> {
  const { rows, sha256 } = await readRows(path)
  const problems: string[] = []
  const prompts = rows.flatMap(({ line, value }) => {
    const prompt = firstUserTurn(value)
    if (prompt !== undefined && prompt.trim() !== '') return [prompt.trim()]
    problems.push(`line ${line} has no user turn in 'prompt', 'messages' or 'conversations'`)
    return []
  })
  if (problems.length > 0) throw invalidRows(path, problems)
  return { prompts, sha256 }
}

function firstUserTurn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { prompt, messages, conversations } = value as Record<string, unknown>
  for (const turns of [prompt, messages, conversations]) {
    if (typeof turns === 'string') return turns
    if (!Array.isArray(turns)) continue
    const [first] = turns
    if (typeof first === 'string') return first
    const user = turns.find((turn) => ['user', 'human'].includes(roleOf(turn)))
    const { content, value: said } = (user ?? {}) as { content?: unknown; value?: unknown }
    const text = content ?? said
    if (typeof text === 'string') return text
  }
  return undefined
}

function roleOf(turn: unknown): string {
  const { role, from } = (turn ?? {}) as { role?: unknown; from?: unknown }
  return String(role ?? from)
}
