const months =
  'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/**
 * A date in local time as Python's `strftime` writes it, in English whatever the machine's language.
 *
 * @throws Error for a directive that is not known
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)(.?)/gsu, (directive, minus: string, letter: string) => {
    const value = directiveOf(date, letter)
    if (value === undefined)
      throw new Error(
        `strftime_now has the directive ${directive}; Y y m d B b A a H I M S p j and % are known`,
      )
    return minus === '' ? value : value.replace(/^0+(?=.)/, '')
  })
}

function directiveOf(date: Date, letter: string): string | undefined {
  const two = (n: number) => String(n).padStart(2, '0')
  const month = months[date.getMonth()] ?? ''
  const day = days[date.getDay()] ?? ''
  const values: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    B: () => month,
    b: () => month.slice(0, 3),
    A: () => day,
    a: () => day.slice(0, 3),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    j: () => String(dayOfYear(date)).padStart(3, '0'),
    '%': () => '%',
  }
  return Object.hasOwn(values, letter) ? values[letter]?.() : undefined
}

function dayOfYear(date: Date): number {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()]
  return (Date.UTC(year, month, day) - Date.UTC(year, 0, 0)) / 86_400_000
}
