/** What is left of an answer without its reasoning; undefined where the reasoning never ends. */
export function withoutThinking(answer: string): string | undefined {
  const close = answer.lastIndexOf('</think>')
  // Templates that open the tag themselves leave the closing one alone in the answer.
  const rest = close === -1 ? answer : answer.slice(close + '</think>'.length)
  return /<think(ing)?>/i.test(rest) ? undefined : rest.trim()
}

/** Whether an answer holds a tag of reasoning. */
export function hasThinking(answer: string): boolean {
  return /<\/?think(ing)?>/i.test(answer)
}
