import { join } from 'node:path'
import { resolveProvider } from '@cem/inference'
import type { RunEvent } from '../events.ts'
import { planCells } from '../plan/plan-cells.ts'
import { promptsOf, readNeutralQuestions } from '../plan/question-sets.ts'
import type { RunStore } from '../store/run-store.ts'
import { readControlRecord } from '../study/control-record.ts'
import { makeControlAdapter } from '../study/make-control-adapter.ts'
import type { RunOptions } from './run-experiment.ts'

/**
 * Makes the random adapters that the config asks for and that are not there yet. What they do is told with the other warnings about
 * compositions, by every process of the run.
 *
 * @throws CemError those of `planCells` and `makeControlAdapter`
 */
export async function* makeControls(
  { loaded, cache, signal }: RunOptions,
  store: RunStore,
): AsyncGenerator<RunEvent, void> {
  const { controls } = await planCells(loaded, { cache })
  const { baseAliases, precision, executor, engine } = loaded.config
  for (const { random, like, folder, base, baseSha256, variants } of controls) {
    if ((await readControlRecord(folder)) !== undefined) continue
    signal?.throwIfAborted()
    const event: RunEvent = {
      type: 'warning',
      warning: {
        code: 'control-dose',
        message: `Making the random adapter of ${variants.join(', ')}, like ${like}, in ${join(store.folder, 'controls')}: its effect on neutral prompts is measured beside the persona's.`,
        cells: [],
      },
    }
    await store.record(event)
    yield event
    const questions = await readNeutralQuestions(loaded)
    const prompts = promptsOf(questions, 1).filter(({ samples }) => samples === 1)
    const { gpu, provider } = engine
    await makeControlAdapter({
      ...random,
      base,
      like,
      output: folder,
      prompts,
      baseAliases,
      ...(baseSha256 === undefined ? {} : { baseSha256 }),
      precision,
      provider: await resolveProvider(gpu === undefined ? provider : `cuda:${gpu}`, { signal }),
      threads: executor.threads,
      cache,
      signal,
    })
  }
}
