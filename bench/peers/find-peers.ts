import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatBytes } from '../figure.ts'
import type { Contestant } from './contestant.ts'
import { openNodePeer } from './node-peer.ts'
import { peersFolder, peersPython } from './peers-folder.ts'
import { openTransformers, type Transformers } from './transformers.ts'

const run = promisify(execFile)

export const peerNames = ['transformers', 'llama', 'transformers-js'] as const
export type PeerName = (typeof peerNames)[number]

export interface PeerFiles {
  readonly model: string
  readonly adapter: string
  /** For exported models. */
  readonly folder: string
  readonly threads: number
  readonly maxRows: number
  readonly maxTokens: number
}

export interface OpenPeers {
  /** In the order in which they were asked for. */
  readonly contestants: readonly Contestant[]
  readonly float32: Transformers | null
  /** Names and versions of what is compared with. */
  readonly versions: Readonly<Record<string, string>>
  /** Peers that are not there, each with the reason and what installs it. */
  readonly skipped: readonly string[]
}

/** Opens the peers that are installed, one after the other; one that is not, or that fails, is skipped by name. */
export async function openPeers(
  names: readonly PeerName[],
  files: PeerFiles,
  report: (line: string) => void,
): Promise<OpenPeers> {
  const contestants: Contestant[] = []
  const versions: Record<string, string> = {}
  const skipped: string[] = []
  let float32: Transformers | null = null
  for (const name of names) {
    const reason = await missing(name, versions)
    if (reason !== null) {
      skipped.push(`${name}: skipped, ${reason}. To install it: npm run bench:peers ${name}`)
      continue
    }
    for (const { label, needsBytes, open } of await planOf(name, files, skipped)) {
      try {
        if (freemem() < needsBytes)
          throw new Error(
            `it needs about ${formatBytes(needsBytes)} of memory and ${formatBytes(freemem())} are free; measure fewer at once (--peers)`,
          )
        report(`loading ${label}`)
        const contestant = await open()
        contestants.push(contestant)
        if (label === 'Transformers float32') float32 = contestant as Transformers
      } catch (error) {
        skipped.push(`${label}: skipped, ${reasonOf(error)}`)
      }
    }
  }
  for (const line of skipped) report(line)
  return { contestants, float32, versions, skipped }
}

interface Plan {
  readonly label: string
  readonly needsBytes: number
  readonly open: () => Promise<Contestant>
}

async function planOf(name: PeerName, files: PeerFiles, skipped: string[]): Promise<Plan[]> {
  try {
    return await plans[name](files)
  } catch (error) {
    skipped.push(`${name}: skipped, its export of the model failed: ${reasonOf(error)}`)
    return []
  }
}

/** Memory is what they were seen to need at batch 50, and some more. */
const plans: Record<PeerName, (files: PeerFiles) => Promise<Plan[]>> = {
  transformers: async ({ model, adapter, threads }) =>
    (['float32', 'bfloat16'] as const).map((dtype) => ({
      label: `Transformers ${dtype}`,
      needsBytes: dtype === 'float32' ? 5e9 : 3e9,
      open: () => openTransformers({ model, adapter, dtype, threads }),
    })),
  llama: async ({ model, adapter, folder, threads, maxRows, maxTokens }) => {
    const gguf = join(folder, 'gguf')
    await run(peersPython(), [script('export_gguf.py'), model, adapter, gguf])
    return (['f32', 'q8_0'] as const).map((type) => ({
      label: `llama.cpp ${type}`,
      needsBytes: type === 'f32' ? 3.5e9 : 1.5e9,
      open: () =>
        openNodePeer({
          name: `llama.cpp ${type}`,
          script: 'llama-peer',
          args: [
            peersFolder(),
            join(gguf, `model-${type}.gguf`),
            join(gguf, 'adapter.gguf'),
            ...[threads, maxRows, maxTokens].map(String),
            // Its defaults round keys and values to 16 bits, and one row in eight then parts from float32.
            type === 'f32' ? 'F32' : 'F16',
          ],
          isExact: type === 'f32',
          canAdapt: true,
        }),
    }))
  },
  'transformers-js': async ({ model, folder, threads }) => {
    await run(peersPython(), [script('export_onnx.py'), model, join(folder, 'onnx-model')])
    return [
      {
        label: 'transformers.js float32',
        needsBytes: 6e9,
        open: () =>
          openNodePeer({
            name: 'transformers.js float32',
            script: 'transformers-js-peer',
            args: [peersFolder(), folder, 'onnx-model', String(threads)],
            isExact: true,
            canAdapt: false,
          }),
      },
    ]
  },
}

const pythonModules: Record<PeerName, readonly string[]> = {
  transformers: ['torch', 'transformers', 'peft'],
  llama: ['gguf', 'safetensors'],
  'transformers-js': ['onnxruntime_genai', 'onnx', 'torch', 'transformers'],
}
const npmPackages: Record<PeerName, string | null> = {
  transformers: null,
  llama: 'node-llama-cpp',
  'transformers-js': '@huggingface/transformers',
}

/** Why a peer cannot run here, or null; its versions are noted. */
async function missing(name: PeerName, versions: Record<string, string>): Promise<string | null> {
  const modules = pythonModules[name]
  const python = peersPython()
  try {
    const list = JSON.stringify(modules)
    const code = `import importlib.metadata as m, importlib.util as u, json; print(json.dumps({n: m.version(n.replace("_", "-")) if u.find_spec(n) else None for n in ${list}}))`
    const { stdout } = await run(python, ['-c', code])
    const found = JSON.parse(stdout) as Record<string, string | null>
    const absent = modules.filter((module) => found[module] === null)
    if (absent.length > 0) return `${python} has no ${absent.join(', ')}`
    for (const module of modules) versions[module] = found[module] as string
  } catch (error) {
    return `${python} cannot be run (${reasonOf(error)})`
  }
  const npm = npmPackages[name]
  if (npm === null) return null
  const manifest = join(peersFolder(), 'node_modules', npm, 'package.json')
  if (!existsSync(manifest)) return `${npm} is not in ${peersFolder()}`
  const { default: json } = (await import(manifest, { with: { type: 'json' } })) as {
    default: { version: string }
  }
  versions[npm] = json.version
  return null
}

function script(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url))
}

/** The last line of what a failed command said, which in Python is the error. */
export function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string }
  const text = (stderr?.trim() ?? '') !== '' ? stderr : message
  if (text === undefined) return 'it gave no reason'
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 300)
}
