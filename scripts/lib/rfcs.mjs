/** What the generated documents know of RFCs: their titles, the order of their sections, and where these are read. */

/** @type {Readonly<Record<string, string>>} */
const titles = {
  "OAuth 2.1": "The OAuth 2.1 Authorization Framework",
  "RFC 3986": "Uniform Resource Identifier (URI): Generic Syntax",
  "RFC 4648": "The Base16, Base32, and Base64 Data Encodings",
  "RFC 5869": "HMAC-based Extract-and-Expand Key Derivation Function (HKDF)",
  "RFC 6265": "HTTP State Management Mechanism",
  "RFC 6585": "Additional HTTP Status Codes",
  "RFC 6749": "The OAuth 2.0 Authorization Framework",
  "RFC 6750": "Bearer Token Usage",
  "RFC 6819": "OAuth 2.0 Threat Model and Security Considerations",
  "RFC 7009": "OAuth 2.0 Token Revocation",
  "RFC 7515": "JSON Web Signature (JWS)",
  "RFC 7517": "JSON Web Key (JWK)",
  "RFC 7518": "JSON Web Algorithms (JWA)",
  "RFC 7519": "JSON Web Token (JWT)",
  "RFC 7521": "Assertion Framework for OAuth 2.0 Client Authentication and Authorization Grants",
  "RFC 7523": "JWT Profile for OAuth 2.0 Client Authentication and Authorization Grants",
  "RFC 7591": "OAuth 2.0 Dynamic Client Registration Protocol",
  "RFC 7592": "OAuth 2.0 Dynamic Client Registration Management Protocol",
  "RFC 7617": "The 'Basic' HTTP Authentication Scheme",
  "RFC 7636": "Proof Key for Code Exchange by OAuth Public Clients",
  "RFC 7638": "JSON Web Key (JWK) Thumbprint",
  "RFC 7662": "OAuth 2.0 Token Introspection",
  "RFC 8252": "OAuth 2.0 for Native Apps",
  "RFC 8414": "OAuth 2.0 Authorization Server Metadata",
  "RFC 8615": "Well-Known Uniform Resource Identifiers (URIs)",
  "RFC 8628": "OAuth 2.0 Device Authorization Grant",
  "RFC 8693": "OAuth 2.0 Token Exchange",
  "RFC 8705": "OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens",
  "RFC 8707": "Resource Indicators for OAuth 2.0",
  "RFC 8725": "JSON Web Token Best Current Practices",
  "RFC 9068": "JSON Web Token (JWT) Profile for OAuth 2.0 Access Tokens",
  "RFC 9101": "JWT-Secured Authorization Request (JAR)",
  "RFC 9106": "Argon2 Memory-Hard Function for Password Hashing and Proof-of-Work Applications",
  "RFC 9110": "HTTP Semantics",
  "RFC 9111": "HTTP Caching",
  "RFC 9126": "OAuth 2.0 Pushed Authorization Requests",
  "RFC 9207": "OAuth 2.0 Authorization Server Issuer Identification",
  "RFC 9396": "OAuth 2.0 Rich Authorization Requests",
  "RFC 9449": "OAuth 2.0 Demonstrating Proof of Possession (DPoP)",
  "RFC 9562": "Universally Unique IDentifiers (UUIDs)",
  "RFC 9700": "Best Current Practice for OAuth 2.0 Security",
  "RFC 9701": "JWT Response for OAuth Token Introspection",
  "RFC 9728": "OAuth 2.0 Protected Resource Metadata"
}

/**
 * The heading of a document: its number, and its title where that is known.
 *
 * @param {string} document
 */
export const titleOf = (document) => (titles[document] ? `${document}: ${titles[document]}` : document)

/**
 * Orders "4.1.2" before "4.10", and every number before the appendices.
 *
 * @param {string} a
 * @param {string} b
 */
export const compare = (a, b) => a.localeCompare(b, "en", { numeric: true })

/**
 * A section as a table shows it: with a link, where it is an RFC's.
 *
 * @param {string} document
 * @param {string} section
 */
export const sectionCell = (document, section) => {
  const appendix = section.startsWith("Appendix ")
  const label = appendix ? section : `§${section}`
  if (!document.startsWith("RFC ")) return label
  const anchor = appendix ? section.replace("Appendix ", "appendix-") : `section-${section}`
  return `[${label}](https://www.rfc-editor.org/rfc/rfc${document.slice(4)}#${anchor})`
}
