import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, keccak256, toHex } from "@mach/core";
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
  const nodes = isObject(proof) ? proof["accountProof"] : undefined;
  if (!Array.isArray(nodes) || nodes.length > MAX_NODES) return null;
  const leaf = walk(nodes, wanted.stateRoot, toNibbles(fromHex(keccak256(wanted.address))));
  const account = leaf === null ? null : decode(leaf);
  if (!Array.isArray(account) || account.length !== 4) return null;
  const [, , storageRoot, codeHash] = account as readonly Item[];
  if (!isBytes(storageRoot, 32) || !isBytes(codeHash, 32)) return null;
  return { storageRoot: toHex(storageRoot), codeHash: toHex(codeHash) };
}

/** The value at the end of a path, each node being the preimage of the hash that led to it. */
function walk(nodes: readonly unknown[], root: Hex, path: readonly number[]): Uint8Array | null {
  let expected: Hex = root;
  let rest = path;
  for (const [index, raw] of nodes.entries()) {
    const bytes = parseBytes(raw, { min: 1, max: MAX_NODE_BYTES });
    if (bytes === null || keccak256(bytes) !== expected) return null;
    const step = stepInto(decode(fromHex(bytes)), rest);
    if (step === null) return null;
    if (step.isLeaf) return index === nodes.length - 1 ? step.value : null;
    // Accounts are longer than 32 bytes, so that a child is always named by its hash.
    if (step.value.length !== 32) return null;
    expected = toHex(step.value);
    rest = step.rest;
  }
  return null;
}

interface Step {
  readonly isLeaf: boolean;
  readonly value: Uint8Array;
  readonly rest: readonly number[];
}

/** Where a node leads on a path; null for a node that is none, and off the path. */
function stepInto(node: Item | null, path: readonly number[]): Step | null {
  if (node === null || node instanceof Uint8Array) return null;
  if (node.length === 17) {
    const [nibble, ...rest] = path;
    const value = nibble === undefined ? undefined : node[nibble];
    return isBytes(value) ? { isLeaf: false, value, rest } : null;
  }
  const part = node.length === 2 ? parsePath(node[0]) : null;
  const value = node[1];
  if (part === null || !isBytes(value)) return null;
  const { nibbles, isLeaf } = part;
  const rest = path.slice(nibbles.length);
  const isOnPath = nibbles.every((nibble, at) => nibble === path[at]);
  const isWhole = isLeaf ? rest.length === 0 : nibbles.length > 0;
  return isOnPath && isWhole ? { isLeaf, value, rest } : null;
}

/** Hex-prefix encoding (Yellow Paper appendix C). */
function parsePath(
  raw: Item | undefined,
): { readonly isLeaf: boolean; readonly nibbles: readonly number[] } | null {
  if (!isBytes(raw) || raw.length === 0 || raw.length > 33) return null;
  const nibbles = toNibbles(raw);
  const flag = nibbles[0] ?? 4;
  if (flag > 3 || (flag % 2 === 0 && nibbles[1] !== 0)) return null;
  return { isLeaf: flag >= 2, nibbles: nibbles.slice(flag % 2 === 0 ? 2 : 1) };
}

function toNibbles(bytes: Uint8Array): readonly number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
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
