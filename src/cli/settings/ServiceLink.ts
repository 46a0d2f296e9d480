/**
 * Service links: for each Service of a namespace Kubernetes sets variables in every pod, so a Service with the name
 * `latchkey` sets `LATCHKEY_PORT=tcp://10.0.0.1:9400` and others. They are not settings
 * (https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables).
 */

/** Whether a value is the address of a Service, such as `tcp://10.0.0.1:9400`. */
export const isAddress = (text: string): boolean => /^(tcp|udp|sctp):\/\/\S+:[0-9]+$/i.test(text)

const ports = /_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/

/** Whether a variable of this name and value belongs to a service link. */
export const isOne = (name: string, value: string): boolean =>
  /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) || ports.test(name) || (name.endsWith("_PORT") && isAddress(value))
