import { fileURLToPath } from 'node:url'
import type { Contestant } from './contestant.ts'
import { PeerProcess } from './peer-process.ts'

export interface NodePeerOptions {
  readonly name: string
  /** `llama-peer` or `transformers-js-peer`: the script beside this file. */
  readonly script: string
  readonly args: readonly string[]
  readonly isExact: boolean
  readonly canAdapt: boolean
}

/** A peer that runs in Node, in a process of its own. It decodes greedily. */
export async function openNodePeer(options: NodePeerOptions): Promise<Contestant> {
  const path = fileURLToPath(new URL(`./${options.script}.ts`, import.meta.url))
  const peer = await PeerProcess.open(process.execPath, [path, ...options.args])
  return {
    name: options.name,
    isExact: options.isExact,
    canAdapt: options.canAdapt,
    decoding: 'greedy',
    // Each request says whether the adapter is on.
    prepare: async () => undefined,
    generate: async (request) =>
      (await peer.call<{ tokens: number[][] }>({ op: 'generate', ...request })).tokens,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  }
}
