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
  resultsFolder: string,
): readonly Answer[] | undefined {
  const [answers, setAnswers] = useState<readonly Answer[] | undefined>(undefined)
  const state = cell === undefined ? undefined : view.cells.get(cell)
  const stamp = state === undefined ? '' : `${state.generate.state}:${state.judge.state}`
  const { storeFolder } = view
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp says when to read again
  useEffect(() => {
    if (!isOpen || cell === undefined || storeFolder === '') return undefined
    let isCurrent = true
    setAnswers(undefined)
    readAnswers(storeFolder, resultsFolder, cell).then(
      (read) => isCurrent && setAnswers(read),
      () => isCurrent && setAnswers([]),
    )
    return () => {
      isCurrent = false
    }
  }, [isOpen, cell, stamp, storeFolder, resultsFolder])
  return answers
}

async function readAnswers(
  storeFolder: string,
  resultsFolder: string,
  cell: string,
): Promise<Answer[]> {
  const results = dirname(dirname(storeFolder)) || resultsFolder
  const store = new RunStore(results, basename(storeFolder))
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
