import { readFileSync } from "node:fs";
import type { Hex } from "@mach/core";

export type RawHeader = Readonly<Record<string, unknown>> & {
  readonly hash: Hex;
  readonly number: string;
};

export interface HeaderVector {
  readonly name: string;
  readonly header: RawHeader;
}

export function readVector<T>(path: string): T {
  const url = new URL(`../../../../test/vectors/rollups/${path}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

interface OpCase {
  readonly chainId: number;
  readonly header: RawHeader;
  readonly expected: { readonly hash: Hex; readonly outputRootV0?: Hex };
}

export const opCases: readonly OpCase[] = readVector<OpCase[]>("op/headers.json");

export const outputAtBlock: {
  readonly header: RawHeader;
  readonly storageHash: Hex;
  readonly expected: { readonly outputRoot: Hex; readonly stateRoot: Hex };
} = readVector("op/output-at-block.json");

export const outputRoots: readonly {
  readonly l2BlockNumber?: number;
  readonly outputRoot?: Hex;
  readonly outputRootProof: {
    readonly latestBlockhash: Hex;
    readonly messagePasserStorageRoot: Hex;
    readonly stateRoot: Hex;
  };
}[] = readVector<{ outputs: [] }>("op/output-roots.json").outputs;

const l1Cases = readVector<{ cases: HeaderVector[] }>("l1/headers.json").cases;
const holocene = readVector<{ blocks: { header: RawHeader }[] }>("op/holocene-headers.json").blocks;

/** Every real header, of each layout that has one. */
export const realHeaders: readonly HeaderVector[] = [
  ...l1Cases,
  ...opCases.map(({ chainId, header }) => ({ name: `chain ${chainId}`, header })),
  ...holocene.map(({ header }) => ({ name: "op sepolia, Holocene", header })),
  { name: "op-node's own test", header: outputAtBlock.header },
].map(({ name, header }) => ({ name: `${name}, block ${BigInt(header.number)}`, header }));

/** The one real header after Isthmus: all 21 fields. */
export const isthmusHeader: RawHeader = opCases[0]?.header ?? readVector("op/headers.json");
