/** Of the refresh tokens that a run holds, exactly the current one of each living grant works. */
import { ofSqlite } from "../../fault/support/Snapshot.js"
import { member } from "./Answer.js"
import * as Clients from "./flows/Clients.js"
import type { Http } from "./Http.js"
import type { Broken } from "./Oracles.js"
import { type Client, refreshToken, type World } from "./World.js"

/** Maximum number of grants whose tokens are tried. */
const sample = 150

/** A token, newest first, and its generation. */
interface Held {
  readonly token: string
  readonly generation: number
}

const newestFirst = (tokens: Iterable<string>): ReadonlyArray<Held> =>
  Array.from(tokens, (token) => ({ token, generation: Number(refreshToken.exec(token)?.[2]) })).sort(
    (a, b) => b.generation - a.generation
  )

/**
 * Presents the tokens of each grant, the current one first. The retry window of every rotation must be over, so that a
 * superseded token is a replay: it ends its grant.
 */
export const check = async (
  world: World,
  http: Http,
  database: string
): Promise<{ readonly broken: ReadonlyArray<Broken>; readonly working: number }> => {
  const { grants } = ofSqlite(database)
  const broken: Array<Broken> = []
  let working = 0
  const present = async (client: Client, token: string): Promise<boolean> => {
    const answer = await http.send(
      Clients.ask("/token", client, [
        ["grant_type", "refresh_token"],
        ["refresh_token", token]
      ])
    )
    const next = member(answer, "refresh_token")
    if (next !== undefined) world.hold(client, next)
    return answer.status === 200
  }
  for (const [id, { client, tokens }] of [...world.held].slice(-sample)) {
    const row = grants.get(id)
    for (const { generation, token } of newestFirst(tokens).slice(0, 4)) {
      const expected = row?.isLiving === true && row.generation === generation
      const works = await present(client, token)
      if (works) working += 1
      if (works !== expected) {
        const seen = row === undefined ? "no row" : `${row.state}, generation ${row.generation}, living ${row.isLiving}`
        broken.push({
          oracle: "tokens",
          detail: `generation ${generation} of grant ${id} ${works ? "works" : "is refused"}: ${seen}`
        })
      }
      // A superseded token has ended the grant: older ones say nothing more.
      if (!expected && row?.isLiving === true) break
    }
  }
  return { broken, working }
}
