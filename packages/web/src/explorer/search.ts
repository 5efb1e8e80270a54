import type { Hex } from "@mach/sdk/reader";
import { parseAddress, parseHash, parseUint64 } from "./route.ts";

/** What a text that was searched for can be; a hash may be of a block, a transaction or a certificate. */
export type SearchQuestion =
  | { readonly kind: "height"; readonly blockNumber: bigint; readonly rollupId: bigint | null }
  | { readonly kind: "hash"; readonly hash: Hex }
  | { readonly kind: "operator"; readonly operator: Hex }
  | { readonly kind: "not-understood" };

/** Reads "42", "1 234", "901/42" or "901 42", hashes and addresses, with or without 0x. */
export function readSearch(text: string): SearchQuestion {
  const trimmed = text.trim();
  const hex = /^(0x)?[0-9a-f]{40,}$/i.test(trimmed) ? `0x${trimmed.replace(/^0x/i, "")}` : trimmed;
  const hash = parseHash(hex);
  if (hash !== null) return { kind: "hash", hash };
  const operator = parseAddress(hex);
  if (operator !== null) return { kind: "operator", operator };
  const [, rollup = "", height = ""] = /^(\d+)\s*[/:#]\s*(\d+)$/.exec(trimmed) ?? [];
  const rollupId = parseUint64(rollup);
  const within = parseUint64(height);
  if (rollupId !== null && within !== null)
    return { kind: "height", blockNumber: within, rollupId };
  const blockNumber = parseUint64(trimmed.replace(/^#/, "").replaceAll(/[\s,_\u202f]/g, ""));
  if (blockNumber !== null) return { kind: "height", blockNumber, rollupId: null };
  return { kind: "not-understood" };
}
