// What a wallet shows beside a transfer. Each status has its own words, and none of them says more
// than what was verified: a wallet that cannot reach anybody shows that, and not a spinner that ends.
import type { MachClient } from "@mach/sdk";

export interface Badge {
  readonly colour: "green" | "grey" | "red";
  readonly text: string;
  /** Whether the app may let its user go on as if the transfer were done. */
  readonly isFinal: boolean;
}

/** The badge of a transaction now; ask again each second or two while it is grey. */
export async function badgeOf(
  mach: Pick<MachClient, "getTransaction">,
  transfer: { readonly rollupId: bigint; readonly hash: `0x${string}` },
): Promise<Badge> {
  const answer = await mach.getTransaction(transfer);
  switch (answer.status) {
    case "fast-final": {
      const share = `${(answer.facts.weightBps / 100).toFixed(1)} % of the stake signed`;
      const isSuccess = answer.inclusion === "proven" ? answer.receipt.isSuccess : null;
      if (isSuccess === true) return { colour: "green", text: `Final: ${share}`, isFinal: true };
      // Final and failed: it is certain that the transfer did not take place.
      if (isSuccess === false) return { colour: "red", text: `Failed: ${share}`, isFinal: true };
      return { colour: "grey", text: "In a final block, its result is not proved", isFinal: false };
    }
    case "not-yet":
      return { colour: "grey", text: `Waiting (${answer.code})`, isFinal: false };
    case "unknown":
      return { colour: "grey", text: "No connection: status unknown", isFinal: false };
    case "contradicted":
      return { colour: "red", text: "The network contradicts itself: wait for L1", isFinal: false };
  }
}
