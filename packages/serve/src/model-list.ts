import type { ServedModel } from './served-models.ts'
import { findServed, type ServerContext } from './server-context.ts'

/** `GET /v1/models` */
export function listModels(context: ServerContext): unknown {
  return { object: 'list', data: context.served.map((one) => describe(context, one)) }
}

/** `GET /v1/models/NAME` */
export function showModel(context: ServerContext, name: string): unknown {
  return describe(context, findServed(context, name))
}

/** As OpenAI lists models, and what is being run. Paths of this machine are left out. */
function describe(
  { startedAt }: ServerContext,
  { name, sha256, layers, composition }: ServedModel,
): unknown {
  return {
    id: name,
    object: 'model',
    created: Math.floor(startedAt.getTime() / 1000),
    owned_by: 'cem',
    max_model_len: composition.base.architecture.maxPositions,
    composition: {
      sha256,
      layers: layers.map((layer) => ({
        role: layer.role,
        mode: layer.mode,
        sha256: layer.sha256,
        base_check: layer.baseCheck,
      })),
    },
  }
}

/** `GET /health` */
export function health({ scheduler }: ServerContext): { status: number; body: unknown } {
  const { failure, nWaiting } = scheduler
  if (failure === undefined) return { status: 200, body: { status: 'ok', waiting: nWaiting } }
  return { status: 503, body: { status: 'failed', error: failure.message } }
}
