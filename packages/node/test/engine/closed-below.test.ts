import { expect, it } from "vitest";
import { agreedEpoch, closedBelow } from "../../src/engine/closed-below.ts";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import {
  blockAt,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  operatorAt,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";

const ALL = [0, 1, 2, 3];
const verifier = useVerifier();
const UNREAD = { settlement: UNREAD_STATUS, heights: 4 };

/** Blocks 1 to 20, certified up to 18 and finalised up to 16. */
async function create(): Promise<EngineNode> {
  const node = createEngineNode({ verifier: verifier(), engine: { chainDepth: 32 } });
  node.learn(0n, 1n);
  for (let number = 1n; number <= 20n; number += 1n) node.block(number);
  for (const number of [3n, 7n, 9n, 18n]) {
    await node.shell.receiveCertificate(certify(claimAt(number), ALL));
  }
  return node;
}

function finalize(node: EngineNode, number: bigint, branch = 0): void {
  const { blockNumber, blockHash, timestamp } = blockAt(number, branch);
  const finalized = { blockNumber, blockHash, timestamp };
  node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
}

function below(node: EngineNode, about = UNREAD): bigint | null {
  return closedBelow(node.shell.state(), ROLLUP_ID, about);
}

function settledAt(
  blockNumber: bigint | null,
  change: Partial<typeof UNREAD_STATUS> = {},
): typeof UNREAD {
  const root = { verdict: "agrees" as const, root: blockAt(1n).blockHash, l1BlockNumber: 1n };
  const newest = { ...root, blockNumber, transactionHash: root.root };
  const contract = operatorAt(3);
  return { heights: 4, settlement: { ...UNREAD_STATUS, contract, newest, ...change } };
}

it("nothing is closed before L1 has finalised any of it, nor of a rollup that is unknown", async () => {
  const node = await create();
  expect(below(node)).toBeNull();
  expect(closedBelow(node.shell.state(), 7n, UNREAD)).toBeNull();
  finalize(node, 5n);
  expect(below(node)).toBe(5n);
});

it("what a restart reads is not closed", async () => {
  const node = await create();
  finalize(node, 18n);
  expect(below(node)).toBe(14n);
  expect(below(node, { ...UNREAD, heights: 18 })).toBeNull();
});

it("what L1 has yet to settle is not closed, and nothing is while it is disputed", async () => {
  const node = await create();
  finalize(node, 16n);
  expect(below(node, settledAt(7n))).toBe(7n);
  expect(below(node, settledAt(null))).toBeNull();
  expect(below(node, settledAt(7n, { newest: null }))).toBeNull();
  expect(below(node, settledAt(7n, { isDisputed: true }))).toBeNull();
});

it("an open contradiction is not closed", async () => {
  const node = await create();
  finalize(node, 8n);
  await node.shell.receiveCertificate(certify(claimAt(9n, 1), ALL));
  await node.shell.settle();
  // The highest certificate that is served still stands below the one in doubt.
  const about = { ...UNREAD, heights: 0 };
  expect(below(node, about)).toBe(7n);
  await node.shell.contradict(ROLLUP_ID, {
    ...{ fromBlockNumber: 4n, throughBlockNumber: 12n, claims: [] },
  });
  expect(below(node, about)).toBe(3n);
});

it("a clock that jumps ahead of what L1 has fixed makes nothing old", async () => {
  const node = await create();
  expect(agreedEpoch(node.shell.state(), 0n)).toBe(0n);
  expect(agreedEpoch(node.shell.state(), 5_000n)).toBe(1n);
  expect(agreedEpoch(node.shell.state(), null)).toBeNull();
  node.shell.state().epochs.clear();
  expect(agreedEpoch(node.shell.state(), 5_000n)).toBeNull();
});
