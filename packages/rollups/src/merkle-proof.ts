import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, keccak256, provenValue, toHex } from "@mach/core";
import { isObject, parseBytes } from "./rpc-values.ts";

/** An account as the state trie holds it. */
export interface ProvenAccount {
  readonly storageRoot: Hex;
  readonly codeHash: Hex;
}

const MAX_NODES = 64;
/** A branch of 16 hashes and a value. */
const MAX_NODE_BYTES = 1_024;

type Item = Uint8Array | readonly Item[];

/**
 * The account at `address` under `stateRoot`, from the `accountProof` of `eth_getProof` (EIP-1186).
 * Null unless the nodes lead from the root to that account and to nothing else: what the answer
 * says of the account beside its proof is never read.
 */
export function provenAccount(
  proof: unknown,
  wanted: { readonly address: Hex; readonly stateRoot: Hex },
): ProvenAccount | null {
  const raw = isObject(proof) ? proof["accountProof"] : undefined;
  if (!Array.isArray(raw) || raw.length > MAX_NODES) return null;
  const nodes = raw.flatMap((each) => parseBytes(each, { min: 1, max: MAX_NODE_BYTES }) ?? []);
  if (nodes.length < raw.length) return null;
  const key = fromHex(keccak256(wanted.address));
  const leaf = provenValue(nodes, { root: wanted.stateRoot, key });
  const account = leaf === null ? null : decode(leaf);
  if (!Array.isArray(account) || account.length !== 4) return null;
  const [, , storageRoot, codeHash] = account as readonly Item[];
  if (!isBytes(storageRoot, 32) || !isBytes(codeHash, 32)) return null;
  return { storageRoot: toHex(storageRoot), codeHash: toHex(codeHash) };
}

function decode(bytes: Uint8Array): Item | null {
  try {
    return RLP.decode(bytes);
  } catch {
    // Bytes that are no RLP: no proof.
    return null;
  }
}

function isBytes(item: Item | undefined, length?: number): item is Uint8Array {
  return item instanceof Uint8Array && (length === undefined || item.length === length);
}
