import type { FinalHead } from "./final-head.ts";

/** What a header has not: it is in the block alone. */
const OF_THE_BODY: ReadonlySet<string> = new Set(["transactions", "uncles", "withdrawals", "size"]);

/** A checked block as `newHeads` would tell its header, with the certificate that stands behind it. */
export function toCertifiedHeader(
  block: Readonly<Record<string, unknown>>,
  head: FinalHead,
): Readonly<Record<string, unknown>> {
  const fields = Object.entries(block).filter(([name]) => !OF_THE_BODY.has(name));
  return {
    ...Object.fromEntries(fields),
    certificateId: head.certificateId,
    signedWeight: head.signedWeight.toString(),
  };
}
