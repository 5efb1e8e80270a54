import type { Hex } from "@mach/core";
import { afterEach, expect, it } from "vitest";
import { createInclusionProver, type InclusionProver } from "../src/inclusion-prover.ts";
import { createTransactionLookup } from "../src/transaction-lookup.ts";
import { type Anvil, startAnvil, until } from "./support/anvil.ts";

const provers: InclusionProver[] = [];
afterEach(async () => {
  await Promise.all(provers.splice(0).map((prover) => prover.close()));
});

const FROM = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
/** Emits two logs, with one and no topic, and ends: its own code is its init code. */
const LOGGING = "0x60206000600160006000a160206000a000";

async function send(anvil: Anvil, transaction: object): Promise<Hex> {
  return await anvil.call<Hex>("eth_sendTransaction", [{ from: FROM, ...transaction }]);
}

it.each(["op", "evm"] as const)(
  "a block of a live %s chain proves all of its transactions",
  {
    timeout: 60_000,
  },
  async (flavour) => {
    const anvil = await startAnvil({ flavour });
    const access = [{ address: FROM, storageKeys: [`0x${"00".repeat(32)}`] }];
    const hashes = [
      await send(anvil, { to: FROM, value: "0x1" }),
      await send(anvil, { to: FROM, gasPrice: "0x77359400", type: "0x0" }),
      await send(anvil, { to: FROM, gasPrice: "0x77359400", accessList: access }),
      await send(anvil, { data: LOGGING, gas: "0x30000" }),
      // Reverts: it is in the block all the same.
      await send(anvil, { data: "0x60006000fd", gas: "0x30000" }),
    ];
    if (flavour === "op") {
      const deposit = {
        type: "0x7e",
        sourceHash: `0x${"5e".repeat(32)}`,
        mint: "0x64",
        isSystemTx: false,
      };
      hashes.push(await send(anvil, { ...deposit, to: FROM, value: "0x1", gas: "0x30000" }));
    }
    await anvil.mine();
    const options = { urls: [anvil.httpUrl], agree: 1, timeoutMs: 20_000 };
    const lookup = createTransactionLookup(options);
    let blockHash: Hex | null = null;
    await until(async () => {
      blockHash = await lookup.blockOf(hashes[4] ?? "0x");
      return blockHash !== null;
    });
    await lookup.close();
    const prover = createInclusionProver(options);
    provers.push(prover);
    for (const transactionHash of hashes) {
      const result = await prover.prove({ blockHash: blockHash ?? "0x", transactionHash });
      expect(result).toMatchObject({ ok: true });
    }
  },
);
