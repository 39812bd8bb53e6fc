import type { ChatMessage } from './chat-template.ts'

/** White space to Python and not to JavaScript, which a template's `trim` has to take off. */
const spacesOfPython = ['\x1c', '\x1d', '\x1e', '\x1f', '\x85']
/** White space to JavaScript and not to Python, which it has to leave. */
const spacesOfJavaScript = ['\ufeff']
/** White space to both. */
const commonSpaces = Array.from(
  '\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000',
)
/** White space to neither. */
const privateUse = Array.from({ length: 64 }, (_, i) => String.fromCharCode(0xe800 + i))

/** Whether Python's `strip` takes this character off: what JavaScript's `trim` does, but for U+FEFF, and five controls. */
export function isPythonSpace(character: string): boolean {
  return spacesOfPython.includes(character) || /[^\S\ufeff]/u.test(character)
}

/**
 * Renders messages with a stand-in for each character that only one of the two languages calls white space, and puts the
 * characters back in the result.
 *
 * @param source the template's, whose own characters must stay
 */
export function withPythonSpaces(
  messages: readonly ChatMessage[],
  source: string,
  render: (messages: readonly ChatMessage[]) => string,
): string {
  const said = messages.map(({ content }) => content).join('')
  const isIn = (text: string) => (character: string) => text.includes(character)
  const strange = spacesOfPython.filter(isIn(said))
  const marks = spacesOfJavaScript.filter(isIn(said))
  if (strange.length === 0 && marks.length === 0) return render(messages)
  const isFree = (character: string) => !said.includes(character) && !source.includes(character)
  const standIns = [...free(commonSpaces, isFree, strange), ...free(privateUse, isFree, marks)]
  const hidden = messages.map(({ role, content }) => ({
    role,
    content: standIns.reduce((text, [own, other]) => text.replaceAll(own, other), content),
  }))
  return standIns.reduce((text, [own, other]) => text.replaceAll(other, own), render(hidden))
}

function free(
  candidates: readonly string[],
  isFree: (character: string) => boolean,
  wanted: readonly string[],
): (readonly [own: string, other: string])[] {
  const found = candidates.filter(isFree)
  return wanted.map((own, i) => {
    const other = found[i]
    if (other === undefined)
      throw new Error(
        'the messages hold every kind of white space, and none is left to stand for another',
      )
    return [own, other] as const
  })
}
