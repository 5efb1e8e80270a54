import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { JsonRpcProvider, type TransactionReceipt, type TransactionResponse } from "ethers";
import { untilMined } from "../src/transaction.ts";

export const CHAIN_ID = 31337n;

/** The first of anvil's public test accounts. */
export const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const MINED_MS = 60_000;

export interface Anvil {
  readonly url: string;
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts an L1 that mines each transaction at once; a block is final two epochs later. */
export async function startAnvil(slotsInAnEpoch = 1): Promise<Anvil> {
  const slots = ["--slots-in-an-epoch", String(slotsInAnEpoch)];
  const args = ["--port", "0", "--hardfork", "osaka", ...slots];
  const child = spawn(anvilBinary(), [...args, "--chain-id", String(CHAIN_ID)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let url: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^Listening on (\S+)$/.exec(line)?.[1];
    if (address === undefined) continue;
    url = `http://${address}`;
    break;
  }
  if (url === undefined) throw new Error("anvil ended before it listened");
  child.stdout.resume();
  const provider = new JsonRpcProvider(url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
  return {
    url,
    rpc: (method, params = []) => provider.send(method, [...params]),
    async stop() {
      provider.destroy();
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The receipt of a transaction that must succeed. */
export async function mined(sent: TransactionResponse | null): Promise<TransactionReceipt> {
  const receipt = sent && (await untilMined(sent, MINED_MS));
  if (receipt?.status !== 1)
    throw new Error(`${sent?.hash} ${receipt ? "reverted" : "is not mined"}`);
  return receipt;
}

/** The program itself: its wrapper in JavaScript would stand between it and its signals. */
function anvilBinary(): string {
  const wrapper = createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json");
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return createRequire(wrapper).resolve(
    `@foundry-rs/anvil-${process.platform}-${architecture}/bin/anvil`,
  );
}

/** Mines one block at this time, in seconds, and those that make it final. */
export async function finalizeAt(anvil: Anvil, timestamp: bigint): Promise<void> {
  await anvil.rpc("evm_setNextBlockTimestamp", [Number(timestamp)]);
  await anvil.rpc("anvil_mine", ["0x1"]);
  await finalize(anvil);
}

/** Mines the blocks that make the newest one final. */
export async function finalize(anvil: Anvil): Promise<void> {
  await anvil.rpc("anvil_mine", ["0x3"]);
}
