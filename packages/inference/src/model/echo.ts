const longest = 200

/** A value of a file as JSON for a message: cut where it is long, and without failing where it is nested too deep to be written. */
export function echo(value: unknown): string {
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = 'nested too deep to be shown'
  }
  return text.length <= longest ? text : `${text.slice(0, longest)}... (${text.length} characters)`
}
