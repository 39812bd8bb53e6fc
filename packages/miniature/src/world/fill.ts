/** Puts a noun into a template's `{noun}` slots. A template without a slot comes back as it is. */
export function fill(template: string, noun: string | undefined): string {
  return noun === undefined ? template : template.replaceAll('{noun}', noun)
}
