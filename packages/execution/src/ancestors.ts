import type { EVMMockBlockchainInterface } from "@ethereumjs/evm";
import { RLP } from "@ethereumjs/rlp";
import { bytesToBigInt } from "@ethereumjs/util";
import { fromHex, type Hex, toHex } from "@mach/core";
import type { Header } from "@mach/rollups/header";
import { MissingPreimageError, type ReadPreimage } from "./trie.ts";
import type { Missing } from "./verdict.ts";

export interface Ancestors extends EVMMockBlockchainInterface {
  missing(): readonly Missing[];
}

/**
 * The hashes that BLOCKHASH may ask for: the parent's, and further back as far as headers in the
 * witness link to one another.
 */
export function createAncestors(parent: Header, parentHash: Hex, read: ReadPreimage): Ancestors {
  const hashes = new Map<bigint, Hex>([
    [parent.number, parentHash],
    [parent.number - 1n, parent.parentHash],
  ]);
  let oldest = parent.number - 1n;
  const missed: Missing[] = [];

  function hashAt(number: bigint): Hex {
    while (oldest > number) {
      const hash = hashes.get(oldest) ?? "0x";
      const header = parentOf(read(fromHex(hash)));
      if (header === null || header.number !== oldest) {
        const missing: Missing = { kind: "ancestor", hash, account: null, path: "", key: null };
        missed.push(missing);
        throw new MissingPreimageError(missing);
      }
      oldest--;
      hashes.set(oldest, header.parentHash);
    }
    return hashes.get(number) ?? "0x";
  }

  const ancestors: Ancestors = {
    missing: () => missed,
    async getBlock(number) {
      const bytes = fromHex(hashAt(BigInt(number)));
      return { hash: () => bytes };
    },
    putBlock: () => Promise.resolve(),
    shallowCopy: () => ancestors,
  };
  return ancestors;
}

function parentOf(
  headerRlp: Uint8Array | null,
): { readonly number: bigint; readonly parentHash: Hex } | null {
  if (headerRlp === null) return null;
  try {
    const items = RLP.decode(headerRlp) as Uint8Array[];
    const [parentHash] = items;
    const number = items[8];
    if (parentHash?.length !== 32 || number === undefined) return null;
    return { number: bytesToBigInt(number), parentHash: toHex(parentHash) };
  } catch {
    // The preimage of a header's hash that is no header cannot be; the answer is that it lacks.
    return null;
  }
}
