import type { Hex } from "@mach/sdk/reader";

/** What the page shows, as the fragment of its address names it. */
export type Route =
  | { readonly page: "overview" }
  | { readonly page: "rollup"; readonly rollupId: bigint }
  | { readonly page: "block"; readonly rollupId: bigint; readonly block: bigint | Hex }
  | { readonly page: "transaction"; readonly rollupId: bigint; readonly hash: Hex }
  | { readonly page: "certificate"; readonly certificateId: Hex }
  | { readonly page: "operators"; readonly epoch: bigint | null }
  | { readonly page: "operator"; readonly operator: Hex }
  | { readonly page: "evidence" }
  | { readonly page: "alerts" }
  | { readonly page: "check" }
  | { readonly page: "trust" }
  | { readonly page: "search"; readonly text: string }
  | { readonly page: "not-found"; readonly path: string };

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_TEXT = 256;

/** The route of an address's fragment; `not-found` for whatever names none. */
export function parseRoute(fragment: string): Route {
  const path = fragment.replace(/^#?\/?/, "").replace(/\/$/, "");
  const parts = path.split("/").map(decode);
  const [first = "", second = "", third = "", fourth = ""] = parts;
  const notFound: Route = { page: "not-found", path: path.slice(0, MAX_TEXT) };
  if (path === "") return { page: "overview" };
  if (parts.length === 1) return plainRoute(first) ?? notFound;
  if (parts.length === 2) return namedRoute(first, second) ?? notFound;
  if (parts.length !== 4 || first !== "rollups") return notFound;
  return rollupRoute(parseUint64(second), third, fourth) ?? notFound;
}

/** The fragment that leads to a route. */
export function linkTo(route: Route): string {
  switch (route.page) {
    case "overview":
      return "#/";
    case "rollup":
      return `#/rollups/${route.rollupId}`;
    case "block":
      return `#/rollups/${route.rollupId}/blocks/${route.block}`;
    case "transaction":
      return `#/rollups/${route.rollupId}/transactions/${route.hash}`;
    case "certificate":
      return `#/certificates/${route.certificateId}`;
    case "operators":
      return route.epoch === null ? "#/operators" : `#/epochs/${route.epoch}`;
    case "operator":
      return `#/operators/${route.operator}`;
    case "search":
      return `#/search/${encodeURIComponent(route.text)}`;
    case "not-found":
      return `#/${route.path}`;
    default:
      return `#/${route.page}`;
  }
}

/** A hash of 32 bytes in any case, or null. */
export function parseHash(text: string): Hex | null {
  return /^0x[0-9a-f]{64}$/i.test(text) ? (text.toLowerCase() as Hex) : null;
}

/** An address in any case, or null. */
export function parseAddress(text: string): Hex | null {
  return /^0x[0-9a-f]{40}$/i.test(text) ? (text.toLowerCase() as Hex) : null;
}

/** A decimal number of 64 bits, or null. */
export function parseUint64(text: string): bigint | null {
  if (!/^[0-9]{1,20}$/.test(text)) return null;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : null;
}

function plainRoute(name: string): Route | null {
  switch (name) {
    case "operators":
      return { page: "operators", epoch: null };
    case "evidence":
    case "alerts":
    case "check":
    case "trust":
      return { page: name };
    default:
      return null;
  }
}

function namedRoute(name: string, value: string): Route | null {
  if (name === "search") return { page: "search", text: value.slice(0, MAX_TEXT) };
  if (name === "rollups" || name === "epochs") {
    const number = parseUint64(value);
    if (number === null) return null;
    if (name === "rollups") return { page: "rollup", rollupId: number };
    return { page: "operators", epoch: number };
  }
  if (name === "certificates") {
    const certificateId = parseHash(value);
    return certificateId && { page: "certificate", certificateId };
  }
  const operator = name === "operators" ? parseAddress(value) : null;
  return operator && { page: "operator", operator };
}

function rollupRoute(rollupId: bigint | null, kind: string, value: string): Route | null {
  if (rollupId === null) return null;
  if (kind === "blocks") {
    const block = parseHash(value) ?? parseUint64(value);
    return block === null ? null : { page: "block", rollupId, block };
  }
  const hash = kind === "transactions" ? parseHash(value) : null;
  return hash && { page: "transaction", rollupId, hash };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Anyone can write any address: what does not decode is taken as it stands.
    return part;
  }
}
