/** The settings as an app writes them. Invalid settings are refused at the start, in one line that names them. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { defaultAppSchemes } from "../../../src/domain/AppSchemes.js"
import { defaultLimits } from "../../../src/domain/RateLimit.js"
import { defaultLifetimes } from "../../../src/domain/Settings.js"
import { type SettingsOptions, toSettings } from "../../../src/layers/settings/SettingsOptions.js"

const notes = { uri: "https://api.example/notes", scopes: { "notes:read": "Read your notes" } }
const good: SettingsOptions = { issuer: "https://auth.example", resources: [notes] }

describe("toSettings", () => {
  it.effect("toSettings adds the defaults", () =>
    Effect.gen(function* () {
      const settings = yield* toSettings({ ...good, lifetimes: { accessToken: "5 minutes" } })
      expect(settings.lifetimes).toEqual({ ...defaultLifetimes, accessToken: Duration.minutes(5) })
      expect(settings.privateUseSchemes).toEqual(new Set())
      expect(settings.appSchemes).toEqual(new Set(defaultAppSchemes))
    })
  )

  it.effect("toSettings replaces changed limits and removes those that are off", () =>
    Effect.gen(function* () {
      const given = { token: { quota: 5, window: "10 seconds" }, login: "off" } as const
      const { rateLimits } = yield* toSettings({ ...good, rateLimits: given })
      const { login: _, ...others } = defaultLimits
      const token = { ...defaultLimits.token, quota: 5, window: Duration.seconds(10) }
      expect(rateLimits).toEqual({ ...others, token })
      expect((yield* toSettings(good)).rateLimits).toEqual(defaultLimits)
      expect((yield* toSettings({ ...good, rateLimits: "off" })).rateLimits).toEqual({})
    })
  )

  it.effect("toSettings allows outbound requests to every host, to the given ones, or to none", () =>
    Effect.gen(function* () {
      expect((yield* toSettings(good)).outbound).toEqual({ isEnabled: true, allowedHosts: undefined })
      expect((yield* toSettings({ ...good, outbound: "off" })).outbound.isEnabled).toBe(false)
      const allowedHosts = ["keys.example.com", "*.example.org", "localhost"]
      expect((yield* toSettings({ ...good, outbound: { allowedHosts } })).outbound).toEqual({
        isEnabled: true,
        allowedHosts
      })
    })
  )

  it.effect("toSettings makes a data URI of the logo of a brand", () =>
    Effect.gen(function* () {
      expect((yield* toSettings(good)).brand).toEqual({})
      const logo = Buffer.from("\x89PNG\r\n\x1a\n", "latin1")
      const given = { name: "Notes", color: "#6d28d9", supportUrl: "https://help.example" }
      const { brand } = yield* toSettings({ ...good, brand: { ...given, logo } })
      expect(brand).toEqual({ ...given, logo: "data:image/png;base64,iVBORw0KGgo=" })
    })
  )

  it.effect("toSettings refuses invalid settings with a message that names them", () =>
    Effect.gen(function* () {
      const bad: Readonly<Record<string, Partial<SettingsOptions>>> = {
        "http://auth.example": { issuer: "http://auth.example" },
        "https://auth.example": { issuer: "https://auth.example/" },
        authorizationCode: { lifetimes: { authorizationCode: "11 minutes" } },
        accessToken: { lifetimes: { accessToken: "soon" as "1 second" } },
        notes: { resources: [{ ...notes, uri: "notes" }] },
        "https://api.example/#top": { resources: [{ ...notes, uri: "https://api.example/#top" }] },
        "a resource is given twice": { resources: [notes, { ...notes, scopes: {} }] },
        "the limit token": { rateLimits: { token: { quota: 0, window: "1 minute" } } },
        "the window of the limit login": { rateLimits: { login: { quota: 1, window: "soon" as "1 second" } } },
        "there is no limit toString": { rateLimits: { toString: "off" } as SettingsOptions["rateLimits"] },
        maxUnusedClients: { maxUnusedClients: -1 },
        "the trusted proxy 10/8 is not": { trustedProxies: ["10/8"] },
        "the network office is neither": { networkLimits: { office: "off" } },
        "the network 203.0.113.0/33 is neither": { networkLimits: { "203.0.113.0/33": 2 } },
        "the network 203.0.113.0/24 is given twice": {
          networkLimits: { "203.0.113.0/24": "off", "203.0.113.7/24": 2 }
        },
        'the limit of the network ::/0 must be "off" or a whole number from 1 to 1000': {
          networkLimits: { "::/0": 0 }
        },
        "the limit of the network 10.0.0.0/8": { networkLimits: { "10.0.0.0/8": 1.5 } },
        "the limit of the network 192.0.2.1": { networkLimits: { "192.0.2.1": "on" as "off" } },
        "the allowed host https://keys.example.com must be": {
          outbound: { allowedHosts: ["https://keys.example.com"] }
        },
        "the allowed host * must be": { outbound: { allowedHosts: ["keys.example.com", "*"] } },
        "brand.name: give a name of 1 to 40 characters": { brand: { name: "" } },
        "brand.color: give a colour such as": { brand: { color: "green" } },
        "brand.color: buttons of #fff cannot be seen on the light pages": { brand: { color: "#fff" } },
        "brand.colorDark: buttons of #111 cannot be seen on the dark pages": { brand: { colorDark: "#111" } },
        "brand.supportUrl: give an https URL": { brand: { supportUrl: "http://help.example" } },
        "brand.logo: give a name, too": { brand: { logo: new Uint8Array(1) } },
        "brand.logo: the image is no PNG, SVG or WebP": { brand: { name: "Notes", logo: new Uint8Array(1) } },
        "brand.logo: the image is larger than 65536 bytes": { brand: { name: "Notes", logo: new Uint8Array(65_537) } },
        twice: {
          resources: [
            { ...notes, uri: "https://api.example" },
            { uri: "https://api.example/", scopes: {} }
          ]
        },
        'the scope "notes read"': { resources: [{ ...notes, scopes: { "notes read": "Read" } }] },
        'the scope ""': { resources: [{ ...notes, scopes: { "": "Nothing" } }] },
        'the scope "notes:read"': { resources: [notes, { ...notes, uri: "https://api.example/other" }] }
      }
      for (const [sentence, options] of Object.entries(bad)) {
        const { message } = yield* Effect.flip(toSettings({ ...good, ...options }))
        expect(message).toContain(sentence)
        expect(message).not.toContain("\n")
      }
    })
  )
})
