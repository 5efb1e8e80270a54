import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, keccak256, toHex } from "@mach/core";

/** A real block of OP Sepolia with the bytes of its tries. */
export interface RealBody {
  readonly number: number;
  readonly hash: Hex;
  readonly header: Readonly<Record<string, unknown>>;
  readonly transactions: readonly Hex[];
  readonly receipts: readonly Hex[];
}

const FILE = new URL("../../../../test/vectors/rollups/op/bodies.json.gz", import.meta.url);

export const realBodies: readonly RealBody[] = (
  JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8")) as { blocks: RealBody[] }
).blocks;

type Item = Uint8Array | Item[];
type RpcObject = Record<string, unknown>;

/** A transaction of the types that these blocks have, as a node tells it. */
export function toRpcTransaction(raw: Hex): RpcObject {
  const { type, items } = split(raw);
  const hash = keccak256(raw);
  const [a, b, c, d, e, f, g, h, i, j, k, l] = items;
  const base = { hash, type: `0x${type.toString(16)}`, blockHash: null };
  const signed = (v?: Item, r?: Item, s?: Item) => ({ v: number(v), r: number(r), s: number(s) });
  switch (type) {
    case 0x7e: {
      const sent = { sourceHash: hex(a), from: hex(b), to: target(c), value: number(e) };
      // A node leaves out what is none.
      const minted = number(d) === "0x0" ? {} : { mint: number(d) };
      return { ...base, ...sent, ...minted, gas: number(f), input: hex(h), nonce: "0x1" };
    }
    case 2: {
      const fees = { maxPriorityFeePerGas: number(c), maxFeePerGas: number(d), gas: number(e) };
      const call = { to: target(f), value: number(g), input: hex(h), accessList: accesses(i) };
      const ids = { chainId: number(a), nonce: number(b) };
      return { ...base, ...ids, ...fees, ...call, ...signed(j, k, l), yParity: number(j) };
    }
    case 1: {
      const ids = { chainId: number(a), nonce: number(b), gasPrice: number(c), gas: number(d) };
      const call = { to: target(e), value: number(f), input: hex(g), accessList: accesses(h) };
      return { ...base, ...ids, ...call, ...signed(i, j, k) };
    }
    case 0: {
      const ids = { nonce: number(a), gasPrice: number(b), gas: number(c) };
      const call = { to: target(d), value: number(e), input: hex(f) };
      return { ...base, ...ids, ...call, ...signed(g, h, i) };
    }
    default:
      throw new Error(`a transaction of type ${type}`);
  }
}

/** A receipt as a node tells it, with what it tells beside. */
export function toRpcReceipt(raw: Hex, transactionHash: Hex): RpcObject {
  const { type, items } = split(raw);
  const [status, gasUsed, bloom, logs, nonce, version] = items;
  const deposit =
    version === undefined
      ? {}
      : { depositNonce: number(nonce), depositReceiptVersion: number(version) };
  return {
    transactionHash,
    type: `0x${type.toString(16)}`,
    status: number(status),
    cumulativeGasUsed: number(gasUsed),
    logsBloom: hex(bloom),
    logs: (logs as Item[]).map((log) => {
      const [address, topics, data] = log as Item[];
      return { address: hex(address), topics: (topics as Item[]).map(hex), data: hex(data) };
    }),
    ...deposit,
    effectiveGasPrice: "0x1",
    l1Fee: "0x1",
  };
}

function split(raw: Hex): { readonly type: number; readonly items: readonly Item[] } {
  const bytes = fromHex(raw);
  const first = bytes[0] ?? 0;
  const type = first < 0x80 ? first : 0;
  return { type, items: RLP.decode(first < 0x80 ? bytes.subarray(1) : bytes) as Item[] };
}

function accesses(item: Item | undefined): unknown {
  return (item as Item[]).map((each) => {
    const [address, keys] = each as Item[];
    return { address: hex(address), storageKeys: (keys as Item[]).map(hex) };
  });
}

function hex(item: Item | undefined): Hex {
  return toHex(item as Uint8Array);
}

function number(item: Item | undefined): Hex {
  const digits = hex(item).slice(2).replace(/^0+/, "");
  return `0x${digits === "" ? "0" : digits}`;
}

function target(item: Item | undefined): Hex | null {
  return (item as Uint8Array).length === 0 ? null : hex(item);
}
