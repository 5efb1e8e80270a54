import { RLP } from "@ethereumjs/rlp";
import { keccak256 } from "./abi-words.ts";
import { fromHex, type Hex, toHex } from "./hex.ts";

/** A block as a link of its chain. */
export interface ChainLink {
  readonly blockHash: Hex;
  readonly parentHash: Hex;
}

/** The link that the preimage of a block hash is: an RLP header, or EraVM's 128 bytes. */
export function linkOf(header: Hex): ChainLink | null {
  const parentHash = parentHashOf(header);
  return parentHash === null ? null : { blockHash: keccak256(header), parentHash };
}

/** The links of headers, hashed one by one as far as they are read; ends at one that is none. */
export function linksOf(headers: readonly Hex[]): Iterable<ChainLink> {
  return {
    *[Symbol.iterator]() {
      for (const header of headers) {
        const link = linkOf(header);
        if (link === null) return;
        yield link;
      }
    },
  };
}

function parentHashOf(header: Hex): Hex | null {
  const bytes = fromHex(header);
  if (bytes.length === 128) return toHex(bytes.subarray(64, 96));
  try {
    const fields = RLP.decode(bytes);
    const parentHash = Array.isArray(fields) ? fields[0] : undefined;
    return parentHash instanceof Uint8Array && parentHash.length === 32 ? toHex(parentHash) : null;
  } catch {
    // Bytes that are no RLP come from outside and are an answer, not a fault.
    return null;
  }
}
