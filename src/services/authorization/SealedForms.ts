/**
 * The forms that travel sealed through the browser between a page and its answer, so that the server stores nothing before
 * the user decides. A form is for one step of one browser, and expires after minutes.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId, Origin } from "../../domain/Client.js"
import { Digest } from "../../domain/Digest.js"
import { GrantId } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import { SessionId } from "../../domain/Session.js"
import * as Time from "../../domain/Time.js"
import * as Seals from "../keys/Seals.js"
import { ServerSettings } from "../ServerSettings.js"

/** The query of an authorization request: the user returns to it. */
const query = Schema.String

/** The login page, shown to one browser. */
export const LoginForm = Schema.TaggedStruct("LoginForm", {
  /** Missing where no client waits: then the user goes on to their account. */
  query: Schema.optional(query),
  /**
   * The client that waits, as the page names it, so that a page that is shown again need not read the request again. The
   * redirect URI is missing as long as the metadata document of the client was not read.
   */
  client: Schema.optional(
    Schema.Struct({
      clientName: Schema.String,
      clientOrigin: Schema.optional(Origin),
      clientHost: Schema.optional(Schema.String),
      clientApproved: Schema.optional(Schema.Boolean),
      redirectUri: Schema.optional(RedirectUri)
    })
  ),
  /** Digest of the browser's id cookie. */
  browser: Digest,
  /** When this request was first shown a login page. */
  firstShownAt: Schema.DateTimeUtcFromNumber
})

/** Is in the URL that a login returns to: when the request with this digest was first answered with a login page. */
export const LoginProof = Schema.TaggedStruct("LoginProof", {
  request: Digest,
  firstShownAt: Schema.DateTimeUtcFromNumber
})

/** The consent page, shown to one user in one session, with the grant that an Allow makes. */
export const ConsentForm = Schema.TaggedStruct("ConsentForm", {
  query,
  sessionId: SessionId,
  subject: Subject,
  grantId: GrantId,
  code: Schema.Redacted(Schema.String),
  /** The scopes on the page at each resource, ticked or not: an Allow grants no others. */
  offered: ResourceScopes.FromRecord
})

/** The logout page of one session. */
export const LogoutForm = Schema.TaggedStruct("LogoutForm", { sessionId: SessionId })

/** One of the actions of the account page, for the user of one session. */
export const AccountForm = Schema.TaggedStruct("AccountForm", {
  sessionId: SessionId,
  action: Schema.Union(
    Schema.TaggedStruct("Withdraw", { clientId: ClientId }),
    Schema.TaggedStruct("RemoveInstallation", { grantId: GrantId }),
    Schema.TaggedStruct("EndSession", { sessionId: SessionId }),
    Schema.TaggedStruct("ChangePassword", {})
  )
})

/** In the URL of the account page after a change of the password: the numbers of logins and apps that it ended. */
export const PasswordChange = Schema.TaggedStruct("PasswordChange", {
  subject: Subject,
  sessions: Schema.Number,
  apps: Schema.Number
})

/** Every form. */
export const Form = Schema.Union(LoginForm, LoginProof, ConsentForm, LogoutForm, AccountForm, PasswordChange)
export type Form = typeof Form.Type
export type LoginForm = typeof LoginForm.Type
export type LoginProof = typeof LoginProof.Type
export type ConsentForm = typeof ConsentForm.Type
export type LogoutForm = typeof LogoutForm.Type
export type AccountForm = typeof AccountForm.Type

/** The form of a tag. */
export type FormOf<Tag extends Form["_tag"]> = Extract<Form, { readonly _tag: Tag }>

/** A form that this server sealed, and whether it has expired. */
export interface Opened<F extends Form> {
  readonly form: F
  readonly expired: boolean
}

export class SealedForms extends Context.Tag("latchkey/SealedForms")<
  SealedForms,
  {
    /** Seals a form. It expires after the lifetime of forms. */
    readonly seal: (form: Form) => Effect.Effect<string, TemporarilyUnavailable>
    /** Opens a form of one kind; returns `None` for any other text. */
    readonly open: <Tag extends Form["_tag"]>(
      tag: Tag,
      text: string
    ) => Effect.Effect<Option.Option<Opened<FormOf<Tag>>>, TemporarilyUnavailable>
  }
>() {}

const isTagged = <Tag extends Form["_tag"]>(form: Form, tag: Tag): form is FormOf<Tag> => form._tag === tag

const make = Effect.gen(function* () {
  const { lifetimes } = yield* ServerSettings
  const codec = Seals.codec(
    yield* Seals.Seals,
    { purpose: "form", prefix: "lk_fm_" },
    Seals.jsonOf(Schema.Struct({ form: Form, expiresAt: Schema.DateTimeUtcFromNumber }))
  )
  return SealedForms.of({
    seal: (form) =>
      Effect.flatMap(DateTime.now, (now) => codec.seal({ form, expiresAt: DateTime.addDuration(now, lifetimes.form) })),
    open: Effect.fnUntraced(function* (tag, text) {
      const now = yield* DateTime.now
      return Option.filterMap(yield* codec.open(text), ({ expiresAt, form }) =>
        isTagged(form, tag) ? Option.some({ form, expired: !Time.isBefore(now, expiresAt) }) : Option.none()
      )
    })
  })
})

export const layer = Layer.effect(SealedForms, make)
