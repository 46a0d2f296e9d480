/** The description of an operation in the OpenAPI document. */
import * as OpenApi from "@effect/platform/OpenApi"

/** Annotates an endpoint with one sentence that says what it does. */
export const summary = (text: string) => OpenApi.annotations({ summary: text })
