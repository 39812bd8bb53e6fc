const maxReasonLength = 300

/** What must not be shown, with the label that stands in its place. */
export interface Secret {
  readonly value: string
  readonly label: string
}

/**
 * A foreign text (a server's error body) made fit for an error or a record: secrets out, also in their JSON and URL
 * spellings, and whatever looks like an OpenAI key; control characters out; at most 300 characters.
 */
export function redact(text: string, secrets: readonly Secret[]): string {
  let redacted = text
  for (const { value, label } of secrets)
    for (const spelling of spellingsOf(value)) redacted = redacted.replaceAll(spelling, label)
  // Cut only now: a cut through a secret would leave a piece that no longer matches.
  redacted = redacted
    .replace(/\bsk-[\w*.-]{6,}/g, '[key]')
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
  return redacted.length > maxReasonLength ? `${redacted.slice(0, maxReasonLength)}...` : redacted
}

/** Longest first, so that no spelling is broken up by a shorter one. */
function spellingsOf(value: string): string[] {
  if (value === '') return []
  const spellings = new Set([value, JSON.stringify(value).slice(1, -1)])
  if (/^[\x21-\x7e]+$/.test(value)) spellings.add(encodeURIComponent(value))
  return [...spellings].toSorted((a, b) => b.length - a.length)
}
