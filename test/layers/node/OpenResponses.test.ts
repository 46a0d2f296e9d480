/** The responses that have not ended. */
import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { expect, it } from "vitest"
import { OpenResponses } from "../../../src/layers/node/OpenResponses.js"

const response = () => new ServerResponse(new IncomingMessage(new Socket()))

it("a response is open from its addition to its removal, whichever other ones come and go", () => {
  const open = new OpenResponses()
  const [first, second, third] = [response(), response(), response()]
  const places = [first, second].map((response) => open.add(response))
  open.delete(places[0] ?? -1)
  expect(open.all()).toEqual([second])
  const place = open.add(third)
  expect(new Set(open.all())).toEqual(new Set([second, third]))
  open.delete(place)
  open.delete(places[1] ?? -1)
  expect(open.all()).toEqual([])
})
