/** A guard with the scopes of tools in front of the server of any framework that takes a Request. */
import type { CheckRequest } from "latchkey/guard"

export const guarded = async (
  guard: CheckRequest,
  request: Request,
  server: (request: Request) => Promise<Response>
) => {
  const { response } = await guard(request, ...guard.scopesOf(await request.clone().json()))
  return response ?? server(request)
}
