/** Settings of the server process: its address, connections, pages of the API, and log. */
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Issuer } from "../../domain/Issuer.js"
import * as Url from "../../domain/Url.js"
import * as NetworkRange from "../../http/wire/NetworkRange.js"
import * as NodeServer from "../../layers/NodeServer.js"
import * as Durations from "./Durations.js"
import { optional, setting } from "./Setting.js"
import * as Texts from "./Texts.js"

const withoutBrackets = (text: string): string => text.replace(/^\[(.*)\]$/, "$1")

/** A host name or an address as `node:net` takes it: an IPv6 address without brackets. */
const Host = Schema.transform(
  Schema.String.pipe(
    Schema.filter((text) => {
      const host = withoutBrackets(text)
      return (
        /^[A-Za-z0-9._:-]+$/.test(host) &&
        Url.parse(`http://${host.includes(":") ? `[${host}]` : host}:1`) !== undefined
      )
    })
  ),
  Schema.String,
  { strict: true, decode: withoutBrackets, encode: (host) => host }
)

const logLevels = LogLevel.allLevels.map(({ _tag }) => _tag.toLowerCase() as Lowercase<LogLevel.LogLevel["_tag"]>)

/** Maximum number of workers. A larger number is most likely a mistake: no worker helps without a core of its own. */
const maxWorkers = 64

export const addressFields = {
  config: optional(Schema.NonEmptyString, {
    description: "JSON file with settings",
    hint: "give the path of a file",
    placeholder: "FILE",
    only: "Environment"
  }),
  host: setting(Host, {
    description: "Address to listen on",
    default: "127.0.0.1",
    hint: "give a host name or an address, such as 127.0.0.1",
    placeholder: "HOST"
  }),
  port: setting(Schema.Int.pipe(Schema.between(1, 65_535)), {
    description: "Port to listen on",
    default: 9400,
    fromText: Texts.toNumber,
    hint: "give a port number, from 1 to 65535",
    placeholder: "PORT"
  }),
  issuer: optional(Issuer, {
    description: "URL of the server, as its clients know it",
    defaultText: "http://HOST:PORT, if HOST is a loopback address",
    placeholder: "URL"
  }),
  workers: setting(Schema.Int.pipe(Schema.between(1, maxWorkers)), {
    description:
      "Number of processes that answer requests on the port. More than the machine has processor cores is no help",
    default: 1,
    fromText: Texts.toNumber,
    hint: `give a whole number from 1 to ${maxWorkers}`,
    placeholder: "N"
  })
}

export const connectionFields = {
  trustedProxies: setting(
    Schema.Array(Schema.String.pipe(Schema.filter((range) => Option.isSome(NetworkRange.parseCidr(range))))),
    {
      description:
        'Networks of your own proxies, such as "10.0.0.0/8". Their headers for the client\'s address, the host and the request id are trusted',
      default: [],
      defaultText: "none",
      fromText: Texts.toList,
      hint: 'give networks as CIDR ranges, such as "10.0.0.0/8"'
    }
  ),
  keepAliveTimeout: setting(Durations.TimeoutText, {
    description:
      "Time after which an idle connection is closed. It must be longer than the idle timeout of a proxy in front of the server",
    default: Durations.format(NodeServer.defaultTimeouts.keepAliveTimeout),
    hint: Durations.timeoutHint
  }),
  headersTimeout: setting(Durations.TimeoutText, {
    description: "Time in which a client must send the headers of a request",
    default: Durations.format(NodeServer.defaultTimeouts.headersTimeout),
    hint: Durations.timeoutHint
  }),
  requestTimeout: setting(Durations.TimeoutText, {
    description:
      "Time in which a client must send a whole request. It must be at least as long as the time for its headers",
    default: Durations.format(NodeServer.defaultTimeouts.requestTimeout),
    hint: Durations.timeoutHint
  })
}

export const operationFields = {
  logAddresses: setting(Schema.Literal("off", "network", "full"), {
    description:
      'Client addresses in logs and events: none ("off"), the /24 of IPv4 and /48 of IPv6 ("network"), or the whole address ("full"). A warning about a proxy always names its address',
    default: "off",
    hint: "give off, network or full"
  }),
  api: setting(Schema.Literal("on", "off"), {
    description: "Serve the account and admin API at /api",
    default: "off",
    hint: "give on or off"
  }),
  logLevel: setting(Schema.Literal(...logLevels), {
    description: "Lowest level that is logged",
    default: "info",
    fromText: (text) => text.toLowerCase(),
    hint: `give one of ${logLevels.join(", ")}`
  })
}
