/** The admin API: the built-in accounts. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AccountName, NewUsername, Password, Subject } from "../../domain/Account.js"
import { AccountView } from "../views/AccountView.js"
import { AdminGuard } from "./Guards.js"
import { summary } from "./Paging.js"
import * as Problems from "./Problems.js"

const Users = Schema.Struct({ users: Schema.Array(AccountView) }).annotations({ identifier: "Users" })
export const NewUser = Schema.Struct({ username: NewUsername, password: Password }).annotations({
  identifier: "NewUser"
})
export const NewPassword = Schema.Struct({ password: Password }).annotations({ identifier: "NewPassword" })
const path = Schema.Struct({ id: Subject })

export class UsersGroup extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("list", "/admin/users")
      .setUrlParams(Schema.Struct({ username: Schema.optional(AccountName) }))
      .addSuccess(Users)
      .annotateContext(summary("The accounts, the oldest first; or the one of a name."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/users")
      .setPayload(NewUser)
      .addError(Problems.RequestTooLarge)
      .addSuccess(AccountView, { status: 201 })
      .addError(Problems.Conflict)
      .annotateContext(summary("Make an account."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/users/:id")
      .setPath(path)
      .addSuccess(AccountView)
      .addError(Problems.NotFound)
      .annotateContext(summary("An account."))
  )
  .add(
    HttpApiEndpoint.post("disable", "/admin/users/:id/disable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Lock a person out: whatever was issued for them is dead at once."))
  )
  .add(
    HttpApiEndpoint.post("enable", "/admin/users/:id/enable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Let a person in again."))
  )
  .add(
    HttpApiEndpoint.post("unlock", "/admin/users/:id/unlock")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("End the pause of a person's logins that wrong passwords began."))
  )
  .add(
    HttpApiEndpoint.put("setPassword", "/admin/users/:id/password")
      .setPath(path)
      .setPayload(NewPassword)
      .addError(Problems.RequestTooLarge)
      .addError(Problems.NotFound)
      .annotateContext(summary("Give an account another password: its sessions and grants end at once."))
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/users/:id")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete an account for good."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Users", description: "Who can log in." })) {}
