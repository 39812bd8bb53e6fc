// Installs the peers of the bench outside the workspace: `npm run bench:peers [transformers] [transformers-js] [llama]`, all of
// them without a name. Versions are those of the recorded results.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasOwnPython, peersFolder, peersPython } from './peers-folder.ts'

const python = {
  transformers: [
    'torch==2.15.0',
    'transformers==5.23.0',
    'peft==0.21.2',
    'safetensors==0.8.0',
    'numpy==2.4.6',
  ],
  /** The export needs torch and transformers too. */
  'transformers-js': ['onnxruntime-genai==0.18.0', 'onnxruntime==1.32.0', 'onnx==1.23.2'],
  llama: ['gguf==0.19.0', 'safetensors==0.8.0', 'numpy==2.4.6'],
} as const
const npm = {
  transformers: [],
  'transformers-js': ['@huggingface/transformers@4.3.1'],
  llama: ['node-llama-cpp@3.22.1'],
} as const
type Name = keyof typeof python

const names = (process.argv.length > 2 ? process.argv.slice(2) : Object.keys(python)) as Name[]
for (const name of names)
  if (!(name in python)) {
    process.stderr.write(`There is no peer '${name}'; peers: ${Object.keys(python).join(', ')}.\n`)
    process.exit(1)
  }

const folder = peersFolder()
await mkdir(folder, { recursive: true })
const wheels = [
  ...new Set(
    names.flatMap((name) =>
      name === 'transformers-js' ? [...python.transformers, ...python[name]] : [...python[name]],
    ),
  ),
]
// CEM_BENCH_PYTHON is someone's own environment: packages go there. Otherwise they get one of their own.
if (!hasOwnPython() && !existsSync(join(folder, 'python')))
  run('python3', ['-m', 'venv', join(folder, 'python')])
run(peersPython(), ['-m', 'pip', 'install', '--quiet', ...wheels])

const packages = names.flatMap((name) => [...npm[name]])
if (packages.length > 0) {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) await writeFile(manifest, '{ "private": true }\n')
  run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...packages])
}
process.stdout.write(`Installed in ${folder}: ${names.join(', ')}.\n`)

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, {
    stdio: 'inherit',
    cwd: folder,
    env: {
      ...process.env,
      // CUDA libraries and sources are of no use here.
      ONNXRUNTIME_NODE_INSTALL: 'skip',
      NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true',
    },
  })
}
