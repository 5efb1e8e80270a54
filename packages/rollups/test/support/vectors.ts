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
  readonly proof: { readonly address: Hex; readonly accountProof: readonly Hex[] };
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

type OrbitHeader = RawHeader & {
  readonly sendRoot: Hex;
  readonly sendCount: Hex;
  readonly l1BlockNumber: Hex;
};

/** Real Arbitrum One blocks. */
export const orbitCases: readonly { readonly header: OrbitHeader }[] =
  readVector("orbit/headers.json");

/** Real blocks of cdk-erigon chains. */
export const cdkCases: readonly { readonly network: string; readonly header: RawHeader }[] =
  readVector("cdk/full-blocks.json");

/** Batch 0 of Polygon zkEVM. */
export const cdkBatch: Readonly<Record<string, unknown>> = readVector<{
  result: Readonly<Record<string, unknown>>;
}>("cdk/zkevm-getBatchByNumber-batch0.json").result;

/** A real zkSync Era block from before protocol version 13. */
export const eraBlock: RawHeader = readVector<{ block: RawHeader }>(
  "zk/era-mainnet-block-legacy-hash.json",
).block;

export const l2BlockHashes: {
  readonly modern: {
    readonly number: number;
    readonly timestamp: number;
    readonly prevL2BlockHash: Hex;
    readonly txsRollingHash: Hex;
    readonly hash: Hex;
  };
  readonly legacy: { readonly number: number; readonly hash: Hex };
} = readVector("zk/l2-block-hash-vectors.json");

/** Documented answers of the zks namespace, by method. */
export const zksExamples: Readonly<
  Record<string, { readonly response: { readonly result: unknown } }>
> = readVector<{ methods: Record<string, { response: { result: unknown } }> }>(
  "zk/zks-rpc-examples.json",
).methods;

/** Every real header, of each layout that has one. */
export const realHeaders: readonly HeaderVector[] = [
  ...l1Cases,
  ...opCases.map(({ chainId, header }) => ({ name: `chain ${chainId}`, header })),
  ...holocene.map(({ header }) => ({ name: "op sepolia, Holocene", header })),
  { name: "op-node's own test", header: outputAtBlock.header },
  ...orbitCases.map(({ header }) => ({ name: "Arbitrum One", header })),
  ...cdkCases.map(({ network, header }) => ({ name: network, header })),
].map(({ name, header }) => ({ name: `${name}, block ${BigInt(header.number)}`, header }));

/** The one real header after Isthmus: all 21 fields. */
export const isthmusHeader: RawHeader = opCases[0]?.header ?? readVector("op/headers.json");
