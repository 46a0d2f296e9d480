/** The admin API: the built-in accounts. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AccountName, NewUsername, Password, Subject } from "../../domain/Account.js"
import { AccountView } from "../views/AccountView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import { After, Limit, Next } from "./Paging.js"
import * as Problems from "./Problems.js"

const Users = Schema.Struct({ users: Schema.Array(AccountView), next: Next }).annotations({ identifier: "Users" })
export const NewUser = Schema.Struct({ username: NewUsername, password: Password }).annotations({
  identifier: "NewUser"
})
export const NewPassword = Schema.Struct({ password: Password }).annotations({ identifier: "NewPassword" })
const path = Schema.Struct({ id: Subject })

export class UsersGroup extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("list", "/admin/users")
      .setUrlParams(Schema.Struct({ username: Schema.optional(AccountName), after: After(Subject), limit: Limit }))
      .addSuccess(Users)
      .annotateContext(summary("List the accounts, the oldest first, or the account of a name."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/users")
      .setPayload(NewUser)
      .addError(Problems.RequestTooLarge)
      .addSuccess(AccountView, { status: 201 })
      .addError(Problems.Conflict)
      .annotateContext(summary("Create an account."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/users/:id")
      .setPath(path)
      .addSuccess(AccountView)
      .addError(Problems.NotFound)
      .annotateContext(summary("Show an account."))
  )
  .add(
    HttpApiEndpoint.post("disable", "/admin/users/:id/disable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Disable an account. Everything issued for it stops working at once."))
  )
  .add(
    HttpApiEndpoint.post("enable", "/admin/users/:id/enable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Enable an account again."))
  )
  .add(
    HttpApiEndpoint.post("unlock", "/admin/users/:id/unlock")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("End the pause of an account's logins after too many wrong passwords."))
  )
  .add(
    HttpApiEndpoint.put("setPassword", "/admin/users/:id/password")
      .setPath(path)
      .setPayload(NewPassword)
      .addError(Problems.RequestTooLarge)
      .addError(Problems.NotFound)
      .annotateContext(summary("Set the password of an account. Its sessions and grants end at once."))
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/users/:id")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete an account."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Users", description: "The accounts that can log in." })) {}
