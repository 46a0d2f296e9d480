/** The response at a path without a route: a page for a browser, and JSON for a program (RFC 9110 §15.5.5). */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { NotFound } from "../../domain/HttpError.js"
import { takesHtml } from "./OpenedInBrowser.js"
import * as Page from "./Page.js"
import * as Wire from "./Wire.js"

const error = new NotFound({ reason: "Unknown", description: "there is nothing at this address" })

/** Returns the response, which repeats nothing of the request. */
export const answer = (
  request: HttpServerRequest.HttpServerRequest,
  rendering: Page.Rendering
): HttpServerResponse.HttpServerResponse =>
  takesHtml(request)
    ? Page.render(
        rendering,
        "errorPage",
        {
          title: "There is no page here",
          message: "Check the address, or go back to the app that you came from.",
          wayOn: { url: "/", label: "Go to the start page" }
        },
        Wire.status(error)
      )
    : Wire.json(Wire.members(error), {
        status: Wire.status(error),
        headers: { ...Wire.noStore, ...Wire.noSniff }
      })
