/** All that the cases of a run share: the accounts, and what earlier cases got from the server. */
import type { Secrets } from "../../support/Secrets.js"
import type { Answer } from "./Answer.js"
import type { Dice } from "./Dice.js"
import { Pool } from "./Pool.js"
import type { Request } from "./Request.js"
import type { Visitor } from "./Visitor.js"

export const password = "correct horse battery"

/** The accounts that log in; the first is made by the link of a new server. */
export const usernames = ["ada", "grace", "barbara"] as const

/** A client, and how it proves who it is. */
export interface Client {
  readonly id: string
  readonly secret: string | undefined
  readonly method: "none" | "client_secret_basic" | "client_secret_post"
  readonly redirectUri: string
}

/** A code that nobody redeemed yet. */
export interface Code {
  readonly client: Client
  readonly code: string
  readonly verifier: string
  readonly resource: string
}

/** The newest tokens of a grant. */
export interface Tokens {
  readonly client: Client
  readonly resource: string
  readonly access: string
  readonly refresh: string
}

export class World {
  readonly issuer: string
  readonly secrets: Secrets
  /** The operator's client, which has the admin API's scope and no person. */
  readonly operator: Client
  readonly clients = new Pool<Client>(60)
  readonly codes = new Pool<Code>(40)
  readonly tokens = new Pool<Tokens>(120)
  /** Access tokens by the resource that they are for. */
  readonly access = new Pool<{ readonly token: string; readonly resource: string }>(120)
  readonly adminTokens = new Pool<string>(10)
  readonly visitors = new Pool<Visitor>(24)
  readonly forms = new Pool<string>(60)
  /** Every refresh token that was received, by its grant: with the client that it is for. */
  readonly held = new Map<string, { readonly client: Client; readonly tokens: Set<string> }>()
  /** The link to the first account, used already. */
  firstAccount = ""

  constructor(issuer: string, secrets: Secrets, operator: Client) {
    this.issuer = issuer
    this.secrets = secrets
    this.operator = operator
  }

  /** Remembers a refresh token for the check of the storage. */
  hold(client: Client, token: string): void {
    const [, grantId] = refreshToken.exec(token) ?? []
    if (grantId === undefined) return
    const held = this.held.get(grantId) ?? { client, tokens: new Set() }
    held.tokens.add(token)
    this.held.set(grantId, held)
  }
}

/** A refresh token: the id of its grant, and its generation. */
export const refreshToken = /^lk_rt_([0-9a-z]{26})\.([0-9]+)\./

/** One case at work. */
export interface Scene {
  readonly world: World
  readonly dice: Dice
  /** Sends a request, mutated where the dice say so; every oracle looks at the answer. */
  readonly send: (request: Request) => Promise<Answer>
  /** Reports a broken promise that only the flow can see. */
  readonly report: (oracle: string, detail: string) => void
}

/** A kind of case. */
export interface Flow {
  readonly name: string
  readonly weight: number
  /** Requests that it usually sends: one of them is mutated, or none. */
  readonly steps: number
  readonly play: (scene: Scene) => Promise<unknown>
}
