import { Environment, Interpreter, type Template } from '@huggingface/jinja'
import { strftime } from './strftime.ts'

/** The longest `range`, as in the sandbox in which Transformers runs templates. */
const maxRange = 100_000

/**
 * Renders a template with what Transformers gives one. The library's own `strftime_now` writes months in the language of the
 * machine, and cannot be told the day.
 *
 * @param now the moment that `strftime_now` writes
 * @throws Error what the template raises
 */
export function runTemplate(
  template: Template,
  variables: Readonly<Record<string, unknown>>,
  now: Date,
): string {
  const environment = new Environment()
  const globals = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    raise_exception: (message: unknown) => {
      throw new Error(String(message))
    },
    range,
    strftime_now: (format: unknown) => strftime(now, String(format)),
  }
  for (const [name, value] of Object.entries({ ...globals, ...variables }))
    environment.set(name, value)
  const { value } = new Interpreter(environment).run(template.parsed)
  return String(value)
}

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= maxRange))
    throw new Error(`a range of ${length} numbers; at most ${maxRange} are allowed`)
  return Array.from({ length }, (_, i) => start + i * step)
}
