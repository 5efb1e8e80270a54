import { afterEach, beforeEach, expect, it } from "vitest";
import { createMachClient, type FinalityAnswer } from "../src/index.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { certify, chainTo, claimOf, forge, NETWORK, NOW, ROLLUP, setOf } from "./signed-network.ts";

/** Tests share their machine with others. */
const PATIENT = { timeout: 10_000 };

const CHAIN = chainTo(12);
const [AT_8, AT_9, AT_10] = [8, 9, 10].map((height) =>
  certify(claimOf(CHAIN[height] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" })),
);
if (!AT_8 || !AT_9 || !AT_10) throw new RangeError("three certificates");

let node: ReplayedNode;
let stop: AbortController;
beforeEach(async () => {
  node = await startNode();
  node.putChain(CHAIN, AT_8);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await node.stop();
});

/** Long enough that no test ends in time by polling where it has to be by events. */
const NEVER_MS = 60_000;

function watch(pollMs: number): AsyncGenerator<FinalityAnswer, void, void> {
  const client = createMachClient({
    endpoints: [node.url],
    network: NETWORK,
    trust: { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash },
    now: () => NOW,
  });
  return client.watch({ rollupId: ROLLUP, signal: stop.signal, pollMs });
}

async function nextHead(heads: AsyncGenerator<FinalityAnswer, void, void>): Promise<unknown> {
  const { value } = await heads.next();
  return value?.status === "fast-final" ? value.block.blockNumber : value;
}

it("tells of a pushed certificate once it is verified, and of no forged one", async () => {
  const heads = watch(NEVER_MS);
  expect(await nextHead(heads)).toBe(8n);
  const next = nextHead(heads);
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  node.push("a-1", { ...AT_10, ...forge(AT_10) });
  node.push("a-2", AT_9);
  expect(await next).toBe(9n);
});

it("comes back with Last-Event-ID after its stream was cut", async () => {
  const heads = watch(NEVER_MS);
  await nextHead(heads);
  const next = nextHead(heads);
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  node.push("a-7", AT_9);
  expect(await next).toBe(9n);
  const after = nextHead(heads);
  node.cut();
  await expect.poll(() => node.resumed, PATIENT).toEqual([undefined, "a-7"]);
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  node.push("a-8", AT_10);
  expect(await after).toBe(10n);
});

it("polls where no stream opens", async () => {
  node.refuseStreams();
  const heads = watch(30);
  expect(await nextHead(heads)).toBe(8n);
  const next = nextHead(heads);
  node.putChain(CHAIN, AT_10);
  expect(await next).toBe(10n);
});

it("reads the state again after a gap, and is not driven by a flood of them", async () => {
  const heads = watch(NEVER_MS);
  await nextHead(heads);
  const next = nextHead(heads);
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  const polls = () => node.asked.filter((path) => path.endsWith("/finality")).length;
  const before = polls();
  for (let count = 0; count < 1_000; count++) node.pushGap();
  node.putChain(CHAIN, AT_10);
  expect(await next).toBe(10n);
  expect(polls() - before).toBeLessThanOrEqual(2);
});

it("tells of a contradiction and does not go back to a head", async () => {
  const heads = watch(NEVER_MS);
  await nextHead(heads);
  const next = heads.next();
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  const other = chainTo(12, 9)[8];
  if (other === undefined) throw new RangeError("no block 8");
  node.push("a-1", certify(claimOf(other)));
  expect((await next).value).toMatchObject({ status: "contradicted" });
});

it("ends with its signal, and leaves no stream behind", async () => {
  const heads = watch(NEVER_MS);
  await nextHead(heads);
  const last = heads.next();
  await expect.poll(() => node.streams(), PATIENT).toBe(1);
  stop.abort();
  expect(await last).toEqual({ done: true, value: undefined });
  await expect.poll(() => node.streams(), PATIENT).toBe(0);
});
