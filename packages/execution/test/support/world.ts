import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { createFeeMarket1559Tx } from "@ethereumjs/tx";
import {
  Account,
  Address,
  createAddressFromPrivateKey,
  createAddressFromString,
} from "@ethereumjs/util";
import { fromHex, type Hex, toHex } from "@mach/core";
import type { Header } from "@mach/rollups/header";
import type { ExecutionInput } from "../../src/block-input.ts";
import { EMPTY_TRIE_ROOT, EMPTY_UNCLES_HASH } from "../../src/header-rules.ts";
import { keccak } from "../../src/keccak.ts";
import { ETHEREUM_BASE_FEE, type ExecutionRules } from "../../src/rules.ts";

const CHAIN_ID = 902n;
const SENDER_KEY = keccak(Uint8Array.of(7));
export const SENDER: Address = createAddressFromPrivateKey(SENDER_KEY);
export const COINBASE = "0x00000000000000000000000000000000000000c0";
export const CONTRACT: Address = createAddressFromString(`0x${"c1".repeat(20)}`);

export const EVM_RULES: ExecutionRules = {
  profile: "evm",
  chainId: CHAIN_ID,
  forks: [{ name: "cancun", timestamp: 0n }],
  baseFee: ETHEREUM_BASE_FEE,
};

/** A small state made by the library, with every node of it as a witness. */
export interface World {
  readonly stateRoot: Hex;
  readonly witness: readonly Uint8Array[];
  readonly code: Hex;
  readonly state: MerklePatriciaTrie;
  readonly storage: MerklePatriciaTrie;
}

/** The sender with ether, and one contract with code and storage. */
export async function makeWorld(contract: {
  readonly code: Hex;
  readonly slots: readonly (readonly [number, number])[];
}): Promise<World> {
  const code = fromHex(contract.code);
  const slots = contract.slots.map(([slot, value]) => {
    return [keccak(word(slot)), RLP.encode(Uint8Array.of(value))] as const;
  });
  const storage = await trieOf(slots);
  const accounts = [
    [SENDER, new Account(0n, 10n ** 20n)],
    [CONTRACT, new Account(1n, 0n, storage.root, keccak(code))],
  ] as [Address, Account][];
  for (let index = 1; index < 40; index++) {
    const address = new Address(keccak(Uint8Array.of(index)).slice(12));
    accounts.push([address, new Account(BigInt(index), 1n)]);
  }
  const state = await trieOf(
    accounts.map(([address, account]) => [keccak(address.bytes), account.serialize()] as const),
  );
  return {
    stateRoot: toHex(state.root),
    witness: [code, ...storage.nodes, ...state.nodes],
    code: contract.code,
    state: state.trie,
    storage: storage.trie,
  };
}

/** The library's trie of some content, with the bytes of its nodes. */
export async function trieOf(content: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<{
  readonly root: Uint8Array;
  readonly nodes: readonly Uint8Array[];
  readonly trie: MerklePatriciaTrie;
}> {
  const trie = await createMPT();
  for (const [key, value] of content) await trie.put(key, value);
  const nodes: Uint8Array[] = [];
  if (content.length === 0) return { root: trie.root(), nodes, trie };
  await trie.walkTrie(trie.root(), async (_ref, node, _key, controller) => {
    if (node === null) return;
    nodes.push(node.serialize());
    controller?.allChildren(node);
  });
  return { root: trie.root(), nodes, trie };
}

export function word(value: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31] = value;
  return bytes;
}

/** A call of the contract, signed by the sender. */
export function callContract(nonce: number, data: Uint8Array = new Uint8Array()): Uint8Array {
  const common = new Common({
    chain: { ...Mainnet, chainId: Number(CHAIN_ID) },
    hardfork: Hardfork.Cancun,
  });
  const unsigned = createFeeMarket1559Tx(
    {
      chainId: CHAIN_ID,
      nonce: BigInt(nonce),
      to: CONTRACT,
      gasLimit: 200_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 1n,
      data,
    },
    { common },
  );
  return unsigned.sign(SENDER_KEY).serialize();
}

/** A block of these transactions on a world. */
export function blockOn(world: World, transactions: readonly Uint8Array[]): ExecutionInput {
  return {
    rules: EVM_RULES,
    witness: world.witness,
    parent: parentHeader(world.stateRoot),
    block: {
      kind: "attributes",
      attributes: {
        timestamp: 1012n,
        prevRandao: `0x${"05".repeat(32)}`,
        feeRecipient: COINBASE,
        parentBeaconBlockRoot: `0x${"06".repeat(32)}`,
        gasLimit: 30_000_000n,
        extraData: "0x",
      },
      blockHash: `0x${"00".repeat(32)}`,
      transactions,
      withdrawals: [],
    },
  };
}

function parentHeader(stateRoot: Hex): Header {
  return {
    parentHash: `0x${"01".repeat(32)}`,
    sha3Uncles: EMPTY_UNCLES_HASH,
    miner: COINBASE,
    stateRoot,
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    logsBloom: `0x${"00".repeat(256)}`,
    difficulty: 0n,
    number: 99n,
    gasLimit: 30_000_000n,
    gasUsed: 15_000_000n,
    timestamp: 1000n,
    extraData: "0x",
    mixHash: `0x${"02".repeat(32)}`,
    nonce: "0x0000000000000000",
    baseFeePerGas: 1_000_000_000n,
    withdrawalsRoot: EMPTY_TRIE_ROOT,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: `0x${"03".repeat(32)}`,
    requestsHash: null,
  };
}
