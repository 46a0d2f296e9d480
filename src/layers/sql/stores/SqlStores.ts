/** The stores of one issuer in a SQL database, which may have rows of other issuers. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { AccountStore } from "../../../services/stores/AccountStore.js"
import { ClientStore } from "../../../services/stores/ClientStore.js"
import { ConsentStore } from "../../../services/stores/ConsentStore.js"
import { EventLog } from "../../../services/stores/EventLog.js"
import { GrantStore } from "../../../services/stores/GrantStore.js"
import { HighWaterMark } from "../../../services/stores/HighWaterMark.js"
import { InitialAccessTokenStore } from "../../../services/stores/InitialAccessTokenStore.js"
import { KeyStore } from "../../../services/stores/KeyStore.js"
import { LeaseStore } from "../../../services/stores/LeaseStore.js"
import { LoginCounters } from "../../../services/stores/LoginCounters.js"
import { ResourceStore } from "../../../services/stores/ResourceStore.js"
import { RevokedTokenStore } from "../../../services/stores/RevokedTokenStore.js"
import { SessionStore } from "../../../services/stores/SessionStore.js"
import { SpentAssertionStore } from "../../../services/stores/SpentAssertionStore.js"
import type { Stores } from "../../../services/stores/Storage.js"
import * as SqlStatement from "../SqlStatement.js"
import * as SqlAccountStore from "./SqlAccountStore.js"
import * as SqlClientStore from "./SqlClientStore.js"
import * as SqlConsentStore from "./SqlConsentStore.js"
import * as SqlEventLog from "./SqlEventLog.js"
import * as SqlGrantStore from "./SqlGrantStore.js"
import * as SqlHighWaterMark from "./SqlHighWaterMark.js"
import * as SqlInitialAccessTokenStore from "./SqlInitialAccessTokenStore.js"
import * as SqlKeyStore from "./SqlKeyStore.js"
import * as SqlLeaseStore from "./SqlLeaseStore.js"
import * as SqlLoginCounters from "./SqlLoginCounters.js"
import * as SqlResourceStore from "./SqlResourceStore.js"
import * as SqlRevokedTokenStore from "./SqlRevokedTokenStore.js"
import * as SqlSessionStore from "./SqlSessionStore.js"
import * as SqlSpentAssertionStore from "./SqlSpentAssertionStore.js"

/** Returns the issuers that have keys in the database. */
export const issuers = (sql: SqlClient.SqlClient): Effect.Effect<ReadonlyArray<string>, TemporarilyUnavailable> =>
  Effect.map(
    SqlStatement.runner(sql)(
      sql.unsafe<{ readonly issuer: string }>("select distinct issuer from root_keys order by issuer")
    ),
    Arr.map(({ issuer }) => issuer)
  )

/** Makes all stores of one issuer. */
export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Context<Stores> =>
  Context.make(GrantStore, SqlGrantStore.make(sql, issuer)).pipe(
    Context.add(ClientStore, SqlClientStore.make(sql, issuer)),
    Context.add(AccountStore, SqlAccountStore.make(sql, issuer)),
    Context.add(SessionStore, SqlSessionStore.make(sql, issuer)),
    Context.add(ConsentStore, SqlConsentStore.make(sql, issuer)),
    Context.add(KeyStore, SqlKeyStore.make(sql, issuer)),
    Context.add(ResourceStore, SqlResourceStore.make(sql, issuer)),
    Context.add(InitialAccessTokenStore, SqlInitialAccessTokenStore.make(sql, issuer)),
    Context.add(RevokedTokenStore, SqlRevokedTokenStore.make(sql, issuer)),
    Context.add(SpentAssertionStore, SqlSpentAssertionStore.make(sql, issuer)),
    Context.add(EventLog, SqlEventLog.make(sql, issuer)),
    Context.add(LoginCounters, SqlLoginCounters.make(sql, issuer)),
    Context.add(LeaseStore, SqlLeaseStore.make(sql, issuer)),
    Context.add(HighWaterMark, SqlHighWaterMark.make(sql, issuer))
  )
