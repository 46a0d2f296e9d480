/** Resolves `cloudflare:workers`, which only Cloudflare's runtime has, to the one class that the provider imports. */
const source = "export class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env } }"

export const resolve = async (specifier, context, next) =>
  specifier === "cloudflare:workers"
    ? { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true }
    : next(specifier, context)
