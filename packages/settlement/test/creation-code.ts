import { readFileSync } from "node:fs";
import { type Hex, isHex } from "@mach/core";

/** What a contract's deployment sends, without its constructor's arguments: as the scripts read it. */
export function creationCode(contract: string): Hex {
  const url = new URL(`../../../contracts/creation-code/${contract}.hex`, import.meta.url);
  const code = readFileSync(url, "utf8").trim();
  if (!isHex(code)) throw new Error(`${contract} has no creation code`);
  return code;
}
