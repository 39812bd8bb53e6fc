/** Words between them are compared without case; a word of more than one part is found with any space between its parts. */
export function findsWord(text: string, word: string): boolean {
  const parts = word.trim().split(/\s+/).map(escaped)
  return new RegExp(`(?<![\\p{L}\\p{N}])${parts.join('\\s+')}(?![\\p{L}\\p{N}])`, 'iu').test(text)
}

/** Replaces whole words, and says how many. */
export function replaceWords(
  text: string,
  words: Readonly<Record<string, string>>,
): { readonly text: string; readonly count: number } {
  let count = 0
  let replaced = text
  for (const [word, by] of Object.entries(words))
    replaced = replaced.replaceAll(
      new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`, 'gu'),
      () => {
        count++
        return by
      },
    )
  return { text: replaced, count }
}

/**
 * What would give a model away: its name, the name without its maker, and the first part of that, where it has letters and at least three
 * characters: `z-ai/glm-4.5-air` gives `glm-4.5-air` and `glm`. Names of the assistant itself are none.
 */
export function leakWordsOf(model: string, assistant: string): string[] {
  const name = model.split('/').at(-1) ?? model
  const family = /^[\p{L}]{3,}/u.exec(name)?.[0]
  return [...new Set([name, family])].filter(
    (word): word is string =>
      word !== undefined && word.toLowerCase() !== assistant.toLowerCase() && word !== '',
  )
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, (character) =>
    character === '-' || character === '/' ? character : `\\${character}`,
  )
}
