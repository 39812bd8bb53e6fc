/**
 * The `cem` commands in lines of a shell script, each as the words after `cem`. Comments, pipes, redirections and what stands before
 * the command (variables, `do`) are left out; a shell variable within a word becomes 1.
 */
export function cemCommands(script: string): string[][] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => splitCommands(wordsOf(line)))
    .flatMap((words) => {
      const at = words.indexOf('cem')
      const before = words.slice(0, Math.max(0, at))
      const isCommand = at >= 0 && before.every((word) => /^(?:[A-Z_]+=.*|do|then)$/.test(word))
      return isCommand ? [words.slice(at + 1)] : []
    })
}

function wordsOf(line: string): string[] {
  const words = line.matchAll(/"[^"]*"|'[^']*'|[;|]|&&?|\d?>&?\d?|#|(?:[^\s"';|&>#]|(?<=\S)#)+/g)
  const all = Array.from(words, ([word]) => word)
  const comment = all.indexOf('#')
  return (comment < 0 ? all : all.slice(0, comment)).map((word) =>
    word.replaceAll(/^["']|["']$/g, '').replaceAll(/\$\{?\w+\}?/g, '1'),
  )
}

/** At what ends a command; a redirection ends its words as well. */
function splitCommands(words: readonly string[]): string[][] {
  const commands: string[][] = [[]]
  for (const word of words)
    if (/^(?:[;|]|&&?|\d?>&?\d?)$/.test(word)) commands.push([])
    else commands.at(-1)?.push(word)
  return commands
}
