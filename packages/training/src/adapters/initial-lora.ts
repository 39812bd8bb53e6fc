import { philox4x32, randomKey } from '@cem/core'

/**
 * Initial values of an adapter's A [rank, nIn]: uniform in (-1 / sqrt(nIn), 1 / sqrt(nIn)), which is PEFT's
 * `kaiming_uniform_(A, a=sqrt(5))`. B starts as zeros. The numbers depend on the seed and the module's name alone.
 */
export function fillLoraA(out: Float32Array, nIn: number, seed: number, path: string): void {
  const key = randomKey('lora_A', seed, path)
  const bound = 1 / Math.sqrt(nIn)
  for (let i = 0; i < out.length; i += 4) {
    const words = philox4x32([i / 4], key)
    for (let j = 0; j < 4 && i + j < out.length; j++)
      // 24 bits, the middle of their interval: never -1 or 1.
      out[i + j] = ((((words[j] as number) >>> 8) + 0.5) / 2 ** 23 - 1) * bound
  }
}
