import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, keccak256, toHex } from "@mach/core";
import { minimalBytes } from "./rlp-items.ts";
import { isObject, parseBytes, parseQuantity } from "./rpc-values.ts";

/** A block header's hashed fields, in hashing order; null where the header ends before a field. */
export interface Header {
  readonly parentHash: Hex;
  readonly sha3Uncles: Hex;
  readonly miner: Hex;
  readonly stateRoot: Hex;
  readonly transactionsRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly logsBloom: Hex;
  readonly difficulty: bigint;
  readonly number: bigint;
  readonly gasLimit: bigint;
  readonly gasUsed: bigint;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly extraData: Hex;
  readonly mixHash: Hex;
  readonly nonce: Hex;
  readonly baseFeePerGas: bigint | null;
  readonly withdrawalsRoot: Hex | null;
  readonly blobGasUsed: bigint | null;
  readonly excessBlobGas: bigint | null;
  readonly parentBeaconBlockRoot: Hex | null;
  readonly requestsHash: Hex | null;
}

export type HeaderFailure =
  /** No JSON object of a known header layout; `field` is the first one at fault. */
  | { readonly ok: false; readonly code: "malformed"; readonly field: string }
  /** The fields hash to `expected`, the source said `got`. */
  | {
      readonly ok: false;
      readonly code: "hash-mismatch";
      readonly field: "hash";
      readonly expected: Hex;
      readonly got: Hex;
    }
  /**
   * The known fields do not hash to the block's hash and `field` is one that no known header has:
   * the chain has a fork that this version does not know.
   */
  | {
      readonly ok: false;
      readonly code: "unknown-header-fields";
      readonly field: string;
      readonly expected: Hex;
      readonly got: Hex;
    };

export type HeaderCheck =
  | {
      readonly ok: true;
      readonly header: Header;
      /** Recomputed from the fields. */
      readonly blockHash: Hex;
      readonly headerRlp: Hex;
    }
  | HeaderFailure;

type FieldKind = "hash" | "address" | "bloom" | "nonce" | "bytes" | "uint64" | "uint256";

const FIELDS: Readonly<Record<keyof Header, FieldKind>> = {
  parentHash: "hash",
  sha3Uncles: "hash",
  miner: "address",
  stateRoot: "hash",
  transactionsRoot: "hash",
  receiptsRoot: "hash",
  logsBloom: "bloom",
  difficulty: "uint256",
  number: "uint64",
  gasLimit: "uint64",
  gasUsed: "uint64",
  timestamp: "uint64",
  extraData: "bytes",
  mixHash: "hash",
  nonce: "nonce",
  baseFeePerGas: "uint256",
  withdrawalsRoot: "hash",
  blobGasUsed: "uint64",
  excessBlobGas: "uint64",
  parentBeaconBlockRoot: "hash",
  requestsHash: "hash",
};
const FIELD_ENTRIES = Object.entries(FIELDS);

const BASE_FIELD_COUNT = 15;
/** What nodes put beside the header, outside of its hash. */
const OUTSIDE_OF_HASH: ReadonlySet<string> = new Set([
  "author",
  "blockInfoRoot",
  "globalExitRoot",
  "hash",
  "l1BatchNumber",
  "l1BatchTimestamp",
  "l1BlockNumber",
  "requests",
  "sealFields",
  "sendCount",
  "sendRoot",
  "size",
  "totalDifficulty",
  "transactions",
  "uncles",
  "withdrawals",
]);
/** A name is shown to people: what is no plain identifier is not repeated. */
const SHOWN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Base, London, Shanghai, Cancun and Prague; a fork never added one blob field alone. */
const LAYOUTS: ReadonlySet<number> = new Set([15, 16, 17, 20, 21]);

const EXACT_BYTES = { hash: 32, address: 20, bloom: 256, nonce: 8 } as const;
/** L1 allows 32 bytes of extra data and proof-of-authority chains a list of signers. */
const MAX_EXTRA_DATA_BYTES = 4096;

/**
 * Parses the result object of `eth_getBlockBy*` and recomputes the hash over its header fields
 * (Yellow Paper section 4.4, with the fields of EIP-1559, 4895, 4844, 4788 and 7685). The `hash`
 * of the object is only compared with. Unknown names are ignored where the hash is right without
 * them.
 */
export function checkHeader(rawBlock: unknown): HeaderCheck {
  const parsed = parseHeader(rawBlock);
  if (!parsed.ok) return parsed;
  const named = rawBlock as Readonly<Record<string, unknown>>;
  const got = parseField("hash", named["hash"]);
  if (typeof got !== "string") return malformed("hash");
  const rlp = encodeHeader(parsed.header);
  const blockHash = keccak256(rlp);
  if (got !== blockHash) {
    const field = unknownField(named);
    return field === null
      ? { ok: false, code: "hash-mismatch", field: "hash", expected: blockHash, got }
      : { ok: false, code: "unknown-header-fields", field, expected: blockHash, got };
  }
  return { ok: true, header: parsed.header, blockHash, headerRlp: toHex(rlp) };
}

/** Parses the header fields of a JSON object without looking at its `hash`. */
export function parseHeader(
  rawBlock: unknown,
): { readonly ok: true; readonly header: Header } | Extract<HeaderFailure, { code: "malformed" }> {
  if (!isObject(rawBlock)) return malformed("block");
  const values: Record<string, Hex | bigint | null> = {};
  let count = 0;
  for (const [index, [field, kind]] of FIELD_ENTRIES.entries()) {
    const raw = rawBlock[field];
    if (raw === undefined || raw === null) {
      if (index < BASE_FIELD_COUNT) return malformed(field);
      values[field] = null;
      continue;
    }
    // The tail is a prefix: nothing may follow a field that is absent.
    if (count !== index) return malformed(field);
    const value = parseField(kind, raw);
    if (value === null) return malformed(field);
    values[field] = value;
    count++;
  }
  if (!LAYOUTS.has(count)) return malformed(FIELD_ENTRIES[count]?.[0] ?? "block");
  // The loop above has set every field of the table, each to its kind.
  return { ok: true, header: values as unknown as Header };
}

/** The RLP of a header, which hashes to the block's hash; it ends before the first null. */
export function encodeHeader(header: Header): Uint8Array {
  const items: Uint8Array[] = [];
  for (const [field] of FIELD_ENTRIES) {
    const value = header[field as keyof Header];
    if (value === null) break;
    items.push(typeof value === "bigint" ? minimalBytes(value) : fromHex(value));
  }
  return RLP.encode(items);
}

/** The first name that is neither a header's nor known to stand beside one, or null. */
function unknownField(rawBlock: Readonly<Record<string, unknown>>): string | null {
  const name = Object.keys(rawBlock).find(
    (each) =>
      !Object.hasOwn(FIELDS, each) &&
      !OUTSIDE_OF_HASH.has(each) &&
      rawBlock[each] !== null &&
      rawBlock[each] !== undefined,
  );
  return name === undefined || SHOWN_NAME.test(name) ? (name ?? null) : "(unreadable)";
}

function parseField(kind: FieldKind, raw: unknown): Hex | bigint | null {
  switch (kind) {
    case "uint64":
      return parseQuantity(raw, 64);
    case "uint256":
      return parseQuantity(raw, 256);
    case "bytes":
      return parseBytes(raw, { min: 0, max: MAX_EXTRA_DATA_BYTES });
    case "hash":
    case "address":
    case "bloom":
    case "nonce":
      return parseBytes(raw, { min: EXACT_BYTES[kind], max: EXACT_BYTES[kind] });
  }
}

function malformed(field: string): Extract<HeaderFailure, { code: "malformed" }> {
  return { ok: false, code: "malformed", field };
}
