/** Creates a client for a service, from the metadata of RFC 7591. */
import { Effect } from "effect"
import { ClientRegistration } from "latchkey/ClientRegistration"

/** The answer holds the client's secret. No one can read it again: hand it to the service. */
export const makeReportClient = Effect.gen(function* () {
  const registration = yield* ClientRegistration
  return yield* registration.create({
    client_name: "Nightly report",
    grant_types: ["client_credentials"],
    scope: "notes:read"
  })
})
