import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM } from "@ethereumjs/evm";
import { createMPT } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { Caches, MerkleStateManager } from "@ethereumjs/statemanager";
import { type Address, MapDB, unpadBytes, ValueEncoding } from "@ethereumjs/util";
import { createVM } from "@ethereumjs/vm";
import { fromHex, type Hex, keccak256, toHex } from "@mach/core";
import type { BlockAttributes, ExecutionInput } from "../../src/block-input.ts";
import { blockContext } from "../../src/execute-block.ts";
import { nextBaseFee } from "../../src/header-rules.ts";
import { precompilesOf } from "../../src/precompiles.ts";
import { rulesAt } from "../../src/rules.ts";
import { storeBeaconRoot } from "../../src/system-calls.ts";
import { runTransaction } from "../../src/transaction.ts";

/**
 * The library's state manager with the two changes without which it cannot end on a witness: it
 * writes each slot to its trie at once, also a zero that the same block overwrites, and ends the
 * process where a sibling is not there. With them it is faster than as it comes.
 */
class EndingStateManager extends MerkleStateManager {
  override async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    this._caches?.storage?.put(address, key, RLP.encode(unpadBytes(value)));
  }

  /** Deletions last: then a branch falls together only where it does so in the end. */
  override async flush(): Promise<void> {
    const storage = this._caches?.storage;
    if (storage !== undefined) {
      const flush = storage.flush.bind(storage);
      storage.flush = () => flush().toSorted((a, b) => sizeOf(b[2]) - sizeOf(a[2]));
    }
    await super.flush();
  }
}

function sizeOf(value: Uint8Array | undefined): number {
  return value === undefined || value.length === 0 || value[0] === 0x80 ? 0 : 1;
}

/**
 * The same block by the library as it comes: its own state manager and trie over the witness, and
 * its cryptography in JavaScript. It is what re-execution is measured against, and no verdict: it
 * reads what is missing as empty.
 */
export async function runNaively(
  input: ExecutionInput,
  attributes: BlockAttributes,
): Promise<{ readonly stateRoot: Hex; readonly gasUsed: bigint }> {
  const { rules: chain, parent, witness } = input;
  const known = rulesAt(chain, attributes.timestamp);
  if (known === null) throw new Error("no rules");
  const common = new Common({
    chain: { ...Mainnet, chainId: Number(chain.chainId) },
    hardfork: Hardfork.Cancun,
  });
  const rules = { ...known, common };
  const database = new MapDB<string, Uint8Array>();
  for (const bytes of witness) await database.put(keccak256(bytes).slice(2), bytes);
  const trie = await createMPT({
    db: database as never,
    useKeyHashing: true,
    root: fromHex(parent.stateRoot),
    valueEncoding: ValueEncoding.Bytes,
  });
  const state = new EndingStateManager({
    ...{ trie, common, prefixCodeHashes: false },
    caches: new Caches({
      account: { size: 100_000 },
      code: { size: 10_000 },
      storage: { size: 100_000 },
    }),
  });
  const customPrecompiles = precompilesOf(rules);
  const evm = await createEVM({ common, stateManager: state, customPrecompiles });
  const vm = await createVM({ common, stateManager: state, evm });
  const baseFee = nextBaseFee(parent, rules) ?? 0n;
  const block = blockContext(attributes, {
    ...{ number: parent.number + 1n, excessBlobGas: 0n },
    ...{ baseFee, rules },
  });
  await state.checkpoint();
  await storeBeaconRoot(state, attributes.timestamp, attributes.parentBeaconBlockRoot ?? "0x");
  let gasUsed = 0n;
  for (const bytes of input.block.transactions) {
    const result = await runTransaction({ vm, evm, state, rules, block }, bytes, gasUsed);
    gasUsed += result.gasUsed;
  }
  await state.commit();
  return { stateRoot: toHex(await state.getStateRoot()), gasUsed };
}
