import { execFileSync } from 'node:child_process'

/** Memory of the first NVIDIA GPU in bytes; null where the driver's tool does not answer. */
export function nvidiaMemoryBytes(): number | null {
  try {
    const output = execFileSync(
      'nvidia-smi',
      ['--query-gpu=memory.total', '--format=csv,noheader,nounits'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 },
    )
    const mebibytes = Number(output.split('\n')[0])
    return mebibytes > 0 ? mebibytes * 2 ** 20 : null
  } catch {
    return null
  }
}
