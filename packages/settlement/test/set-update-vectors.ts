import { readFileSync } from "node:fs";
import type { OperatorSet, SetUpdate } from "@mach/core";

interface SetUpdateVectors {
  readonly signedBy: OperatorSet;
  readonly cases: readonly { readonly name: string; readonly update: SetUpdate }[];
}

const FILE = new URL("../../../test/vectors/mach/set-updates.json", import.meta.url);
const INTEGERS = new Set(["epoch", "totalWeight", "weight", "chainId"]);

/** The golden set updates, with the protocol's integers as bigints. */
export function readSetUpdates(): SetUpdateVectors {
  return JSON.parse(readFileSync(FILE, "utf8"), (key, value: unknown) =>
    INTEGERS.has(key) && typeof value === "string" ? BigInt(value) : value,
  ) as SetUpdateVectors;
}
