import type { Base } from '@cem/inference'

/**
 * What a base is called in the files that are made on it: its hub id, or the name that its config.json carries, which hold
 * on every machine; only where there is neither, the path that was given, as PEFT writes it.
 */
export function baseName({ name, folder, knownNames }: Base): string {
  const isHubId = /^[\w-][\w.-]*\/[\w.-]+$/.test(name) && !folder.endsWith(name)
  if (isHubId) return name
  return knownNames.find((known) => ![name, folder].includes(known)) ?? name
}
