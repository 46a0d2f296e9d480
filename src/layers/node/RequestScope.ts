/** The scope of a request, which costs nothing until a finalizer is added. */
import type { ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import type * as ExecutionStrategy from "effect/ExecutionStrategy"
import type * as Exit from "effect/Exit"
import * as GlobalValue from "effect/GlobalValue"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"

/** The scopes that their handlers close themselves (`HttpApp.ejectDefaultScopeClose`). */
const ejected = GlobalValue.globalValue("@effect/platform/HttpApp/ejectedScopes", () => new WeakSet<Scope.Scope>())

export class RequestScope implements Scope.CloseableScope, Pipeable {
  readonly [Scope.ScopeTypeId]: Scope.ScopeTypeId = Scope.ScopeTypeId
  readonly [Scope.CloseableScopeTypeId]: Scope.CloseableScopeTypeId = Scope.CloseableScopeTypeId
  #inner: Scope.CloseableScope | undefined

  get #scope(): Scope.CloseableScope {
    this.#inner ??= Effect.runSync(Scope.make())
    return this.#inner
  }

  get strategy(): ExecutionStrategy.ExecutionStrategy {
    return this.#scope.strategy
  }

  /** @internal */
  addFinalizer(finalizer: Scope.Scope.Finalizer): Effect.Effect<void> {
    return Scope.addFinalizerExit(this.#scope, finalizer)
  }

  /** @internal */
  fork(strategy: ExecutionStrategy.ExecutionStrategy): Effect.Effect<Scope.CloseableScope> {
    return Scope.fork(this.#scope, strategy)
  }

  /** @internal */
  close(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return this.#inner === undefined ? Effect.void : Scope.close(this.#inner, exit)
  }

  pipe() {
    // biome-ignore lint/complexity/noArguments: the helper takes them.
    return pipeArguments(this, arguments)
  }

  /** Closes the scope, if it is used, when the response has been sent or its connection was closed. */
  readonly end = (runtime: Runtime.Runtime<never>, exit: Exit.Exit<unknown, unknown>, target: ServerResponse): void => {
    if (this.#inner === undefined || ejected.has(this)) return
    const close = () => void Runtime.runFork(runtime, this.close(exit))
    if (target.closed) close()
    else target.once("close", close)
  }
}
