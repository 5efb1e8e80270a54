import type { MachNetwork } from "@mach/sdk";
import type { Hex } from "@mach/sdk/reader";

/** Whom the reader trusts, instead of the node: a set's hash, or an L1 node of the reader's own. */
export type ReaderTrust =
  | { readonly kind: "hash"; readonly epoch: bigint; readonly operatorSetHash: Hex }
  /** `network` was read from finalised L1 state by that URL. */
  | { readonly kind: "l1"; readonly rpcUrl: string; readonly network: MachNetwork };

/** The part of `Storage` that is used. A browser may refuse to give it, let alone to keep. */
export type TrustStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "mach-reader-trust";

/** What the reader has chosen for this browser, or null: for nothing, and for what cannot be read. */
export function loadTrust(storage: () => TrustStorage): ReaderTrust | null {
  try {
    return trustFrom(JSON.parse(storage().getItem(KEY) ?? "null"));
  } catch {
    // Storage may be refused, and hold any text: then nothing was chosen.
    return null;
  }
}

/** Keeps the reader's choice; null forgets it. False where this browser keeps nothing. */
export function saveTrust(storage: () => TrustStorage, trust: ReaderTrust | null): boolean {
  try {
    if (trust === null) storage().removeItem(KEY);
    else
      storage().setItem(
        KEY,
        JSON.stringify(trust, (_, value) => asText(value)),
      );
    return true;
  } catch {
    // Storage may be full or refused: the choice holds until the page is left.
    return false;
  }
}

/** A choice in one sentence. */
export function describeTrust(trust: ReaderTrust | null): string {
  if (trust === null) return "You have named no trust of your own.";
  if (trust.kind === "hash") return `You trust the set hash ${trust.operatorSetHash}.`;
  return `You trust the L1 node at ${hostOf(trust.rpcUrl)} and the registry ${trust.network.registry}.`;
}

function asText(value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

function trustFrom(json: unknown): ReaderTrust | null {
  if (typeof json !== "object" || json === null) return null;
  const text = (name: string, from: object = json): string => String(Reflect.get(from, name) ?? "");
  const integer = (name: string, from: object = json): bigint => {
    const digits = text(name, from);
    if (!/^[0-9]{1,20}$/.test(digits)) throw new RangeError("no integer");
    return BigInt(digits);
  };
  if (text("kind") === "hash") {
    const operatorSetHash = text("operatorSetHash");
    if (!/^0x[0-9a-f]{64}$/.test(operatorSetHash)) return null;
    return { kind: "hash", epoch: integer("epoch"), operatorSetHash: operatorSetHash as Hex };
  }
  const network: unknown = Reflect.get(json, "network");
  if (text("kind") !== "l1" || typeof network !== "object" || network === null) return null;
  const registry = text("registry", network);
  const rpcUrl = text("rpcUrl");
  if (!/^0x[0-9a-f]{40}$/.test(registry) || !/^https?:\/\//.test(rpcUrl)) return null;
  return {
    kind: "l1",
    rpcUrl,
    network: {
      registry: registry as Hex,
      chainId: integer("chainId", network),
      genesisTime: integer("genesisTime", network),
      epochSeconds: integer("epochSeconds", network),
    },
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
