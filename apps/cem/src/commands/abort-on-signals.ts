/** Aborts on Ctrl-C or SIGTERM, for commands that have nothing else to put in order. */
export function abortOnSignals(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const abort = () => controller.abort(new Error('stopped'))
  process.on('SIGINT', abort)
  process.on('SIGTERM', abort)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', abort)
      process.off('SIGTERM', abort)
    },
  }
}
