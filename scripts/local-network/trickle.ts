import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createHttpClient, type RpcClient } from "@mach/rpc";

/** Transactions that go on until stopped. */
export interface Trickle {
  stop(): void;
}

const LEAST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_500;
const LIMITS = { timeoutMs: 5_000, maxResponseBytes: 65_536, maxInFlight: 1 } as const;

/** Sends small payments between a chain's own accounts, a few in most blocks and none in some. */
export function startTrickle(rpcUrl: string): Trickle {
  const controller = new AbortController();
  const client = createHttpClient({ url: rpcUrl, ...LIMITS });
  void sendUntil(client, controller.signal);
  return {
    stop() {
      controller.abort();
      void client.close();
    },
  };
}

async function sendUntil(client: RpcClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const pauseMs = randomInt(LEAST_PAUSE_MS, LONGEST_PAUSE_MS);
    // Rejects where it is stopped, which the loop's condition tells too.
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    // Where the chain gives no answer, the next round asks again.
    const accounts = await client.call("eth_accounts", []);
    if (!accounts.ok || !Array.isArray(accounts.value) || accounts.value.length < 2) continue;
    // Not from the first: a payment between two transactions of the deployer would take a nonce.
    const from: unknown = accounts.value[randomInt(1, accounts.value.length)];
    const to: unknown = accounts.value[randomInt(accounts.value.length)];
    const value = `0x${randomInt(1, 1_000_000).toString(16)}`;
    await client.call("eth_sendTransaction", [{ from, to, value }]);
  }
}
