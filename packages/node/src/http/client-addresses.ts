import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, type Socket } from "node:net";

/** Who a request counts for. */
export interface ClientAddresses {
  /**
   * The client's address, as far as it can be trusted: IPv4 whole; of IPv6 the first 64 bits, which
   * are one customer's.
   */
  of(request: IncomingMessage): string;
  /** The same for a connection by itself; null where a trusted proxy has made it. */
  ofConnection(socket: Socket): string | null;
}

/** An address of IPv4 or IPv6, or a network of them with its prefix length. */
const NETWORK = /^([0-9a-fA-F:.]{2,45})(?:\/([0-9]{1,3}))?$/;
const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Of a connection that has gone meanwhile. */
const NOBODY = "0.0.0.0";

/** Whether a text names an address or a network of addresses. */
export function isNetwork(text: string): boolean {
  const [, address = "", bits] = NETWORK.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128));
}

/**
 * Reads X-Forwarded-For from its end, which is written by the nearest, as long as a trusted proxy
 * has written it. Whoever is not trusted is the client, whatever else the header says.
 */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const trusted = new BlockList();
  for (const each of trustedProxies) {
    const [, address = "", bits] = NETWORK.exec(each) ?? [];
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean =>
    trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  /** Of connections that no proxy has made: one client's for as long as they are open. */
  const known = new WeakMap<Socket, string | null>();

  function ofConnection(socket: Socket): string | null {
    const found = known.get(socket);
    if (found !== undefined) return found;
    const address = plain(socket.remoteAddress ?? NOBODY);
    const made = trustedProxies.length > 0 && isTrusted(address) ? null : toClient(address);
    known.set(socket, made);
    return made;
  }

  return {
    ofConnection,
    of(request) {
      const direct = ofConnection(request.socket);
      if (direct !== null) return direct;
      const header = request.headers["x-forwarded-for"] ?? "";
      const hops = (Array.isArray(header) ? header.join(",") : header).split(",");
      let address = plain(request.socket.remoteAddress ?? NOBODY);
      for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) {
        const next = plain(hop.trim());
        // What is no address names nobody: it counts for the proxy that passed it on.
        if (isIP(next) === 0) break;
        address = next;
      }
      return toClient(address);
    },
  };
}

/** An address of IPv4 that came over a socket of IPv6, as what it is. */
function plain(address: string): string {
  return IPV4_IN_IPV6.exec(address)?.[1] ?? address.split("%", 1)[0] ?? address;
}

function toClient(address: string): string {
  if (isIPv4(address)) return address;
  const [head = "", tail] = address.toLowerCase().split("::", 2);
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  // One in dotted form at the end stands for two groups.
  const shown = first.length + last.length + (address.includes(".") ? 1 : 0);
  const zeros = Array<string>(Math.max(0, 8 - shown)).fill("0");
  const groups = tail === undefined ? first : [...first, ...zeros, ...last];
  const prefix = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${prefix.join(":")}::/64`;
}
