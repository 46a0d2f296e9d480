/** Lets layers of Latchkey that stand beside `AuthLayer`, such as `AdminApi`, reach the services of that server. */
import * as Context from "effect/Context"
import type { Services } from "./Services.js"

/** All services of one server in one. Its members may change in any release: apps use the services of `AuthServices`. */
export class ServerServices extends Context.Tag("latchkey/ServerServices")<
  ServerServices,
  Context.Context<Services>
>() {}
