import type { Device, DriftReport, Placement, SelfTestReport } from '@cem/inference'
import type { AlarmCode } from './alarms/alarm.ts'
import type { CellMetrics } from './analysis/cell-metrics.ts'
import type { Comparison } from './analysis/comparisons.ts'
import type { Family } from './analysis/family.ts'
import type { Similarity } from './analysis/similarity.ts'
import type { JudgingEvent } from './judging/judging-events.ts'
import type { Cell } from './plan/cell.ts'

export type Phase = 'generate' | 'judge' | 'analyse'

/** A piece of work that is done as a whole and claimed by one process: a phase of a cell, or the analysis of the run. */
export interface Unit {
  /** `<phase>:<cell>`, or `analyse`. */
  readonly id: string
  readonly phase: Phase
  readonly cell: string | null
}

/** What a reader of the results has to know, and what is no mistake by itself. */
export type NoteCode =
  | 'base-unverified'
  | 'one-seed'
  | 'unscored'
  | 'questions-left-out'
  | 'cells-left-out'
  | 'not-evaluated'
  | 'metadata-unreadable'
  | 'in-domain-unclear'
  | 'direction-skipped'
  | 'direction-controls'
  | 'causal-results'
  | 'interval-unreliable'
  | 'significance-impossible'
  | 'declaration-changed'
  | 'bases-differ'
  | 'persona-unverified'
  | 'run-restarted'
  | 'training-data-unread'
  | 'samples-repeat'
  | 'in-domain-not-asked'
  | 'answers-cut'
  | 'judge-unwatched'
  | 'empty-answers'
  | 'software-device'
  | 'cpu-fallback'
  | 'engine-restarted'
  | 'reduced-precision'
  | 'batch-split'
  | 'control-dose'
  | 'drift-unmeasured'
  | 'canaries-unclear'
  | 'judge-drift-unclear'
  | 'judge-fingerprint-unknown'
  | 'answers-truncated'
  | 'batch-incomplete'
  | 'protocol-without-em'
  | 'imported'
  | 'import-differs'
  | 'import-agrees'

/** Something that a reader of the results has to know. */
export interface RunWarning {
  /** An alarm (`isAlarm`) means that a result does not mean what it seems to mean. */
  readonly code: AlarmCode | NoteCode
  readonly message: string
  readonly cells: readonly string[]
}

export interface JudgeCounters {
  readonly calls: number
  readonly cached: number
  readonly failures: number
  readonly inFlight: number
  /** What the calls have cost in USD; null without prices. */
  readonly costUsd?: number | null
  /** Scores that are missing by reason, of the answers that this process took verdicts for. */
  readonly unscored?: Readonly<Record<string, number>>
}

/** What happens in a run, in order. A UI folds these; the run store keeps them. */
export type RunEvent =
  | {
      readonly type: 'run-start'
      readonly run: string
      readonly storeFolder: string
      readonly cells: readonly Cell[]
      readonly units: readonly Unit[]
      /** Units that an earlier process finished. */
      readonly done: readonly string[]
    }
  | { readonly type: 'warning'; readonly warning: RunWarning }
  | {
      readonly type: 'unit-start'
      readonly unit: string
      readonly total: number
      readonly done: number
    }
  | {
      readonly type: 'unit-progress'
      readonly unit: string
      readonly total: number
      readonly done: number
      /** Since the unit began; generation only. */
      readonly tokensPerSecond: number | null
      /** Judging only. */
      readonly judge: JudgeCounters | null
    }
  /** What the models of this process run on, and which of their nodes the CPU computes. */
  | { readonly type: 'device'; readonly device: Device; readonly placement: Placement | null }
  | { readonly type: 'self-test'; readonly unit: string; readonly report: SelfTestReport }
  /** How far a cell's composition lies from itself in 32-bit floats; only where the run is not in those. */
  | { readonly type: 'precision-drift'; readonly cell: string; readonly report: DriftReport }
  | {
      readonly type: 'unit-end'
      readonly unit: string
      readonly total: number
      readonly durationInMs: number
      readonly files: readonly string[]
      /** Judgements that failed for a passing reason: the next run asks again. */
      readonly retryable: number
    }
  | JudgingEvent
  /** What the unit had done no longer counts: something that it depends on changed. */
  | { readonly type: 'unit-reset'; readonly unit: string; readonly reason: string }
  | {
      readonly type: 'unit-failed'
      readonly unit: string
      readonly code: string
      readonly message: string
    }
  | { readonly type: 'cell-metrics'; readonly cell: string; readonly metrics: CellMetrics }
  /** What the analysis found, as in `analysis.json`. */
  | {
      readonly type: 'statistics'
      readonly comparisons: readonly Comparison[]
      readonly family: Family
      readonly similarity: Similarity
    }
  /** What the last analysis was made from. */
  | { readonly type: 'analysis-inputs'; readonly sha256: string }
  | {
      readonly type: 'run-end'
      readonly outcome: 'complete' | 'incomplete' | 'failed' | 'stopped'
      readonly files: readonly string[]
      /** Units that are not done. */
      readonly remaining: number
      /** Every alarm of the run, also those of earlier processes; absent in stores from before there were alarms. */
      readonly alarms?: readonly RunWarning[]
    }

/** An event as it is stored. */
export type StoredEvent = RunEvent & { readonly time: string; readonly writer: string }
