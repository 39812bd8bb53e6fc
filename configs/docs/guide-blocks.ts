/** A fenced block of a guide. */
export interface GuideBlock {
  readonly language: string
  /** What stands after the language: the name of the file that the block is. */
  readonly file: string | undefined
  readonly text: string
  /** Why it is not run, from a comment above it: `<!-- not run: it needs a GPU -->`. */
  readonly notRun: string | undefined
  /** Why what it says is not compared, in the same way: `<!-- not compared: numbers differ between machines -->`. */
  readonly notCompared: string | undefined
}

const pattern =
  /(?:<!-- not (?<how>run|compared): (?<reason>[^\n]+?) -->\n\n?)?```(?<language>\w+)(?: (?<file>[^\n]+))?\n(?<text>.*?)```/gs

/** The fenced blocks of a page of Markdown, in order. */
export function guideBlocks(markdown: string): GuideBlock[] {
  const blocks = Array.from(markdown.matchAll(pattern), ({ groups = {} }) => ({
    language: groups['language'] ?? '',
    file: groups['file'],
    text: groups['text'] ?? '',
    notRun: groups['how'] === 'run' ? groups['reason'] : undefined,
    notCompared: groups['how'] === 'compared' ? groups['reason'] : undefined,
  }))
  const nFences = markdown.match(/^```/gm)?.length ?? 0
  if (nFences !== 2 * blocks.length)
    throw new Error(`${nFences} fences, ${blocks.length} blocks: give every block a language`)
  return blocks
}

/** The lines that a block shows and an output has not, in this order. A line `...` stands for any lines. */
export function missingLines(shown: string, printed: string): string[] {
  const lines = printed.split('\n').map((line) => line.trim())
  let from = 0
  return shown
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '...')
    .filter((line) => {
      const at = lines.indexOf(line, from)
      if (at >= 0) from = at + 1
      return at < 0
    })
}
