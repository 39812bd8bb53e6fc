const tagNames = ['question', 'answer']
/** White space and invisible characters that a reader of the tag would pass over. */
const filler = String.raw`[\s\p{Cf}\p{Mn}]*`
const name = tagNames.map((tag) => tag.split('').join(filler)).join('|')
const openings = '[<\uFE64\uFF1C]'
const slashes = '[/\u2044\u2215\uFF0F]'
// One filler on each side of the slash: two that meet would make a long run of blanks cost its square.
const tagLike = new RegExp(`${openings}(?=${filler}(?:${slashes}${filler})?(?:${name}))`, 'giu')

/** Marks of turns in chat templates (`<|im_start|>`, `<start_of_turn>`), which some servers read as such inside a message. */
const turnMark = /<(?=\|[^|<>\s]{1,40}\|>|(?:start|end)_of_turn>)/gi

/**
 * A text that cannot close or open the tags around it, nor the turn that it stands in: wherever `<question`, `</question`,
 * `<answer` or `</answer` stands (in any case, with a full-width or small `<` or slash, with blanks or invisible characters in
 * between), or a mark of a chat template as `<|im_end|>`, its `<` becomes `‹` (U+2039). All else stays as it is.
 */
export function neutralise(text: string): string {
  return text.replace(tagLike, '\u2039').replace(turnMark, '\u2039')
}
