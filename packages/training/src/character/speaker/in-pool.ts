/**
 * Does work for many items, some at once, and gives each result as it is there. After a failure nothing more is begun; what is under
 * way is still given, and then the failure is thrown.
 */
export async function* inPool<Item, Result>(
  items: readonly Item[],
  size: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void> {
  type Settled = { readonly id: number } & (
    | { readonly result: Result }
    | { readonly error: unknown }
  )
  const underWay = new Map<number, Promise<Settled>>()
  const failures: unknown[] = []
  let next = 0
  const begin = () => {
    const id = next++
    const item = items[id] as Item
    underWay.set(
      id,
      work(item).then(
        (result) => ({ id, result }),
        (error: unknown) => ({ id, error }),
      ),
    )
  }
  for (;;) {
    while (failures.length === 0 && next < items.length && underWay.size < size) begin()
    if (underWay.size === 0) break
    const settled = await Promise.race(underWay.values())
    underWay.delete(settled.id)
    if ('error' in settled) failures.push(settled.error)
    else yield settled.result
  }
  if (failures.length > 0) throw failures[0]
}
