import { basename, dirname } from 'node:path'
import {
  type CompletionRecord,
  type MetricVerdict,
  RunStore,
  readCompletions,
  readJudged,
  rowKey,
} from '@cem/experiment'
import { useEffect, useState } from 'react'
import type { RunView } from '../run-view.ts'

export interface Answer {
  readonly key: string
  readonly completion: CompletionRecord
  readonly aligned: MetricVerdict | undefined
  readonly coherent: MetricVerdict | undefined
}

/** The answers of a cell, read from the run store when its screen opens and when its state changes. */
export function useAnswers(
  view: RunView,
  cell: string | undefined,
  isOpen: boolean,
): readonly Answer[] | undefined {
  const [read, setRead] = useState<ReadAnswers>({ of: '', answers: [] })
  const state = cell === undefined ? undefined : view.cells.get(cell)
  const { storeFolder } = view
  // The answers of a cell change when a phase of it ends: what is read is for one cell in one state.
  const wanted = `${storeFolder}:${cell}:${state?.generate.state}:${state?.judge.state}`
  useEffect(() => {
    if (!isOpen || cell === undefined || storeFolder === '') return undefined
    let isCurrent = true
    const show = (answers: readonly Answer[]) => {
      if (isCurrent) setRead({ of: wanted, answers })
    }
    readAnswers(storeFolder, cell).then(show, () => show([]))
    return () => {
      isCurrent = false
    }
  }, [isOpen, cell, wanted, storeFolder])
  return read.of === wanted ? read.answers : undefined
}

interface ReadAnswers {
  readonly of: string
  readonly answers: readonly Answer[]
}

async function readAnswers(storeFolder: string, cell: string): Promise<Answer[]> {
  // The store's folder is <results>/.cem/<run>.
  const store = new RunStore(dirname(dirname(storeFolder)), basename(storeFolder))
  const [completions, judged] = await Promise.all([
    readCompletions(store, cell),
    readJudged(store, cell),
  ])
  const verdicts = new Map((judged ?? []).map((record) => [rowKey(record), record.verdicts]))
  return Array.from(completions, ([key, completion]) => ({
    key,
    completion,
    aligned: verdicts.get(key)?.['aligned'],
    coherent: verdicts.get(key)?.['coherent'],
  })).toSorted((a, b) => compare(a.completion, b.completion))
}

function compare(a: CompletionRecord, b: CompletionRecord): number {
  return (
    a.set.localeCompare(b.set) * -1 ||
    a.question.localeCompare(b.question) ||
    a.paraphrase - b.paraphrase ||
    a.sample - b.sample
  )
}
