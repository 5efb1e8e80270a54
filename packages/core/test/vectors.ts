import { readFileSync } from "node:fs";

/** A file of the protocol's golden values. */
export function readVectors<T>(name: string): T {
  const url = new URL(`../../../test/vectors/mach/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}
