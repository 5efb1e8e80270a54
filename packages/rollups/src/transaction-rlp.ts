import { fromHex } from "@mach/core";
import { type Encodable, encodeTyped, minimalBytes } from "./rlp-items.ts";
import { isObject, parseAddress, parseBytes, parseHash, parseQuantity } from "./rpc-values.ts";

type Fields = Readonly<Record<string, unknown>>;
/** Reads a field as RLP has it; null where it is not what it has to be. */
type Read = (raw: unknown) => Encodable | null;

const MAX_DATA_BYTES = 4 * 1024 * 1024;
const MAX_ITEMS = 10_000;

const LEGACY = ["nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s"];
const SIGNED = ["v", "r", "s"];
const CALL = ["gas", "to", "value", "input", "accessList"];
const FEES = ["chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas"];

/** The fields of each type in the order in which they are hashed. */
const FIELDS: ReadonlyMap<number, readonly string[]> = new Map([
  [0, LEGACY],
  // EIP-2930, EIP-1559, EIP-4844 and EIP-7702.
  [1, ["chainId", "nonce", "gasPrice", ...CALL, ...SIGNED]],
  [2, [...FEES, ...CALL, ...SIGNED]],
  [3, [...FEES, ...CALL, "maxFeePerBlobGas", "blobVersionedHashes", ...SIGNED]],
  [4, [...FEES, ...CALL, "authorizationList", ...SIGNED]],
  // Nitro's own transaction at the start of each block, and the deposit of the OP Stack.
  [0x6a, ["chainId", "input"]],
  [0x7e, ["sourceHash", "from", "to", "mint", "value", "gas", "isSystemTx", "input"]],
]);

/** How each field is read that is no number. */
const READERS: Readonly<Record<string, Read>> = {
  to: (raw) => (raw === null || raw === undefined ? new Uint8Array() : readAddress(raw)),
  from: readAddress,
  input: (raw) => hexBytes(parseBytes(raw, { min: 0, max: MAX_DATA_BYTES })),
  sourceHash: readHash,
  // What a node leaves out is none.
  mint: (raw) => (raw === null || raw === undefined ? new Uint8Array() : readNumber(raw)),
  isSystemTx: (raw) => (raw === true ? Uint8Array.of(1) : new Uint8Array()),
  blobVersionedHashes: (raw) => readList(raw, readHash),
  accessList: (raw) =>
    readList(raw, (entry) => {
      if (!isObject(entry)) return null;
      const address = readAddress(entry["address"]);
      const keys = readList(entry["storageKeys"], readHash);
      return address && keys && [address, keys];
    }),
  authorizationList: (raw) =>
    readList(raw, (entry) => {
      if (!isObject(entry)) return null;
      const parity = entry["yParity"] ?? entry["v"];
      return readAll([
        readNumber(entry["chainId"]),
        readAddress(entry["address"]),
        ...[entry["nonce"], parity, entry["r"], entry["s"]].map(readNumber),
      ]);
    }),
};

/**
 * The bytes of a transaction as its block's trie has them (EIP-2718), from JSON-RPC's object. Null
 * for a type that is not known here. Whether they are the block's, its root says.
 */
export function encodeTransaction(raw: unknown): Uint8Array | null {
  if (!isObject(raw)) return null;
  const type = Number(parseQuantity(raw["type"] ?? "0x0", 8) ?? -1n);
  const names = FIELDS.get(type);
  if (names === undefined) return null;
  const items = readAll(names.map((name) => readField(raw, name)));
  return items === null ? null : encodeTyped(type, items);
}

function readField(raw: Fields, name: string): Encodable | null {
  const value = name === "input" ? (raw["input"] ?? raw["data"]) : raw[name];
  return (READERS[name] ?? readNumber)(value);
}

function readAll(items: readonly (Encodable | null)[]): readonly Encodable[] | null {
  const found = items.filter((item) => item !== null);
  return found.length === items.length ? found : null;
}

function readList(raw: unknown, read: Read): Encodable | null {
  if (!Array.isArray(raw) || raw.length > MAX_ITEMS) return null;
  return readAll(raw.map(read));
}

function readNumber(raw: unknown): Uint8Array | null {
  const value = parseQuantity(raw, 256);
  return value === null ? null : minimalBytes(value);
}

function readAddress(raw: unknown): Uint8Array | null {
  return hexBytes(parseAddress(raw));
}

function readHash(raw: unknown): Uint8Array | null {
  return hexBytes(parseHash(raw));
}

function hexBytes(hex: string | null): Uint8Array | null {
  return hex === null ? null : fromHex(hex);
}
