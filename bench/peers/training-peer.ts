import { fileURLToPath } from 'node:url'
import { sequencesOf, type TrainingWorkload } from '../measure-training.ts'
import { PeerProcess } from './peer-process.ts'
import { peersPython } from './peers-folder.ts'

/** Something that makes optimiser steps. */
export interface TrainingContestant extends AsyncDisposable {
  readonly name: string
  /** One step on the data of that index; the loss before it. */
  readonly step: (index: number) => Promise<number>
  /** The most memory that its process has had. */
  readonly peakBytes: () => Promise<number>
}

/** PyTorch with Transformers and PEFT, in a process of its own. */
export async function openTrainingPeer(
  workload: TrainingWorkload,
  threads: number,
): Promise<TrainingContestant> {
  const { base, method, rank, objective, recompute, nRows } = workload
  const script = fileURLToPath(new URL('./training_peer.py', import.meta.url))
  const settings = JSON.stringify({ method, rank, objective, recompute, threads })
  const peer = await PeerProcess.open(peersPython(), [script, base, settings], {
    HF_HUB_OFFLINE: '1',
    OMP_NUM_THREADS: String(threads),
  })
  const reference = Array.from({ length: nRows }, () => 0)
  return {
    name: 'PyTorch',
    step: async (index) => {
      const rows = sequencesOf(workload, index)
      const tokens = rows.map((row) => row.tokens)
      const weights = rows.map((row) => row.weights)
      const request = { op: 'step', tokens, weights, reference }
      return (await peer.call<{ loss: number }>(request)).loss
    },
    peakBytes: async () =>
      (await peer.call<{ peakRssBytes: number }>({ op: 'memory' })).peakRssBytes,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  }
}
