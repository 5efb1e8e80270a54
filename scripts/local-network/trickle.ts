import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { callRpc } from "./json-rpc.ts";

/** Transactions that go on until stopped. */
export interface Trickle {
  stop(): void;
}

const LEAST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_500;

/** Sends small payments between a chain's own accounts, a few in most blocks and none in some. */
export function startTrickle(rpcUrl: string): Trickle {
  const controller = new AbortController();
  void sendUntil(rpcUrl, controller.signal);
  return { stop: () => controller.abort() };
}

async function sendUntil(rpcUrl: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(randomInt(LEAST_PAUSE_MS, LONGEST_PAUSE_MS), undefined, { signal, ref: false });
      const accounts = (await callRpc(rpcUrl, "eth_accounts", [])) as readonly string[];
      const from = accounts[randomInt(accounts.length)];
      const to = accounts[randomInt(accounts.length)];
      const value = `0x${randomInt(1, 1_000_000).toString(16)}`;
      await callRpc(rpcUrl, "eth_sendTransaction", [{ from, to, value }]);
    } catch {
      // Stopped, or the chain is: the loop's condition or the next round tells.
    }
  }
}
