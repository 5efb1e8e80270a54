import { fromHex, type Hex, isHex, toHex } from "@mach/core";
import { encodeHeader } from "@mach/rollups/header";
import { isObject, type RpcClient } from "@mach/rpc";
import type { Ghosts } from "./block-input.ts";
import type { FetchMissing } from "./executor.ts";
import { keccak } from "./keccak.ts";
import {
  type ByteBudget,
  bytesIn,
  createByteBudget,
  type FetchedBlock,
  fetchHeader,
  inBatches,
  result,
  SourceError,
} from "./rpc-block.ts";
import { StateOverlay } from "./state-overlay.ts";
import { slotsOfSystem } from "./system-slots.ts";
import type { Missing } from "./verdict.ts";
import { createPreimageStore, MAX_WITNESS_BYTES, type Witness } from "./witness.ts";

const MAX_ACCOUNTS = 20_000;
const MAX_SLOTS = 200_000;
const SLOTS_PER_PROOF = 256;
/** A key below a path of so many nibbles is found in some 65,000 hashes. */
const MAX_SEARCHED_NIBBLES = 4;
const MAX_SEARCH = 2_000_000;

/** Accounts, and slots of each. */
type Touched = Map<Hex, Set<Hex>>;

export interface ProofWitness {
  readonly witness: Witness;
  readonly ghosts: Ghosts;
}

/**
 * A witness for a block of a node that serves none: what the transactions touched, by one trace
 * each (a trace of the whole block at once is quadratic in anvil), proven at the parent. What the
 * traces leave out, such as the siblings of deleted slots, is fetched when it is missed.
 */
export async function fetchProofWitness(
  client: RpcClient,
  { header, blockHash, transactionHashes, block }: FetchedBlock,
): Promise<ProofWitness> {
  const touched: Touched = new Map();
  for (const [address, slots] of slotsOfSystem(header)) touch(touched, address, slots);
  for (const { address } of block.withdrawals) touch(touched, address, []);
  const traces = await inBatches(transactionHashes, (hash) =>
    result(client, "debug_traceTransaction", [hash, { tracer: "prestateTracer" }]),
  );
  for (const trace of traces) addTrace(touched, trace);
  const budget = createByteBudget(2 * MAX_WITNESS_BYTES);
  const before = { client, budget, blockHash: header.parentHash };
  const parts = await inBatches([...touched], async ([address, slots]) => [
    ...(await proof(before, { address, slots: [...slots] })),
    await code(before, address),
  ]);
  const after = await inBatches([...touched], ([address, slots]) =>
    proof({ client, budget, blockHash }, { address, slots: [...slots] }),
  );
  return { witness: parts.flat(), ghosts: ghostsIn(header.stateRoot, touched, after.flat()) };
}

/** The empty accounts and zero slots that the state after the block is proven to hold. */
function ghostsIn(stateRoot: Hex, touched: Touched, nodes: Witness): Ghosts {
  const { read } = createPreimageStore(nodes);
  const state = new StateOverlay(fromHex(stateRoot), read);
  const accounts = [...touched.keys()].filter((address) => state.holdsEmpty(address.slice(2)));
  const slots = [...touched].flatMap(([account, slots]) =>
    [...slots]
      .filter((slot) => state.holdsZero(account.slice(2), slot.slice(2)))
      .map((slot) => ({ account, slot })),
  );
  return { accounts, slots };
}

/** Fetches what an execution missed by proofs at the parent; nothing where no key leads to it. */
export function proofFetcher(client: RpcClient, parentHash: Hex): FetchMissing {
  const at = { client, blockHash: parentHash, budget: createByteBudget(MAX_WITNESS_BYTES) };
  return async (missing) => {
    const parts = await inBatches(missing, async (each) => {
      if (each.kind === "ancestor") return [encodeHeader(await fetchHeader(client, each.hash))];
      if (each.kind === "code") {
        return each.account === null ? [] : [await code(at, each.account)];
      }
      const target = targetOf(each);
      return target === null ? [] : await proof(at, target);
    });
    const wanted = new Set(missing.map(({ hash }) => hash));
    const found = parts.flat();
    // Proofs that do not lead to it would have the block executed again for nothing.
    return found.some((bytes) => wanted.has(toHex(keccak(bytes)))) ? found : [];
  };
}

interface ProofTarget {
  readonly address: Hex;
  readonly slots: readonly Hex[];
}

/** The key that was read, or any key whose hash begins with the path to the node. */
function targetOf({ account, key, path }: Missing): ProofTarget | null {
  if (account === null) {
    const address = key ?? keyBelow(path, 20);
    return address === null ? null : { address, slots: [] };
  }
  const slot = key ?? keyBelow(path, 32);
  return slot === null ? null : { address: account, slots: [slot] };
}

function keyBelow(path: string, byteCount: number): Hex | null {
  if (path.length > MAX_SEARCHED_NIBBLES) return null;
  const key = Buffer.alloc(byteCount);
  for (let value = 0; value < MAX_SEARCH; value++) {
    key.writeUInt32BE(value, byteCount - 4);
    if (toHex(keccak(key)).startsWith(path, 2)) return toHex(key);
  }
  return null;
}

/** A node's state after a block, and how much of it may be asked for. */
interface StateSource {
  readonly client: RpcClient;
  readonly blockHash: Hex;
  readonly budget: ByteBudget;
}

async function proof(
  { client, blockHash, budget }: StateSource,
  { address, slots }: ProofTarget,
): Promise<Uint8Array[]> {
  const nodes: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < slots.length; from += SLOTS_PER_PROOF) {
    const part = slots.slice(from, from + SLOTS_PER_PROOF);
    const answer = await result(client, "eth_getProof", [address, part, { blockHash }]);
    if (!isObject(answer)) throw new SourceError("the source's proof is no object");
    const storage = arrayIn(answer["storageProof"]).flatMap((each) =>
      isObject(each) ? arrayIn(each["proof"]) : [],
    );
    for (const each of [...arrayIn(answer["accountProof"]), ...storage]) {
      nodes.push(budget.spend(bytesIn(each)));
    }
  }
  return nodes;
}

async function code({ client, blockHash, budget }: StateSource, address: Hex): Promise<Uint8Array> {
  return budget.spend(bytesIn(await result(client, "eth_getCode", [address, { blockHash }])));
}

function addTrace(touched: Touched, trace: unknown): void {
  if (!isObject(trace)) throw new SourceError("the source's trace is no object");
  for (const [name, account] of Object.entries(trace)) {
    const storage = isObject(account) ? account["storage"] : undefined;
    const slots = isObject(storage) ? Object.keys(storage) : [];
    touch(touched, name.toLowerCase(), slots);
  }
}

function touch(touched: Touched, address: string, slots: readonly string[]): void {
  if (!isHex(address, 20)) throw new SourceError("the source's trace names no address");
  const known = touched.get(address) ?? new Set();
  touched.set(address, known);
  for (const slot of slots) {
    const lower = slot.toLowerCase();
    if (!isHex(lower, 32)) throw new SourceError("the source's trace names no slot");
    known.add(lower);
  }
  if (touched.size > MAX_ACCOUNTS || known.size > MAX_SLOTS) {
    throw new SourceError("the block touches more than is accepted");
  }
}

function arrayIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
