import { execFileSync } from 'node:child_process'

/**
 * A property of the first NVIDIA GPU that this process may see, as the driver's tool gives it without units; undefined where it does not answer.
 *
 * @param property of `nvidia-smi --help-query-gpu`
 */
export function nvidiaProperty(property: 'name' | 'memory.total'): string | undefined {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')[0]?.trim() ?? ''
  try {
    const output = execFileSync(
      'nvidia-smi',
      [
        `--query-gpu=${property}`,
        '--format=csv,noheader,nounits',
        ...(visible === '' ? [] : [`--id=${visible}`]),
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 },
    )
    return output.split('\n')[0]?.trim() || undefined
  } catch {
    return undefined
  }
}

/** That GPU's memory in bytes; null where it is not known. */
export function nvidiaMemoryBytes(): number | null {
  const mebibytes = Number(nvidiaProperty('memory.total'))
  return mebibytes > 0 ? mebibytes * 2 ** 20 : null
}
