import { execFileSync } from 'node:child_process'

/**
 * Runs a program and gives what it prints; where it fails, shows that and ends this process.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [environment] beside this process's
 */
export function run(command, args, cwd, environment = {}) {
  try {
    return execFileSync(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', ...environment },
    })
  } catch (error) {
    process.stderr.write(`${command} ${args.join(' ')}\n${error.stdout}${error.stderr}`)
    process.exit(1)
  }
}
