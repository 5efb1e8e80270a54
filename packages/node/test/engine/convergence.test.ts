import type { Claim } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createPeerSync } from "../../src/engine/peer-sync.ts";
import { restoreEngine } from "../../src/engine/restore.ts";
import type { Store } from "../../src/store/store.ts";
import {
  bls,
  certifiedIds,
  claimAt,
  createEngineNode,
  type EngineNode,
  operatorAt,
  ROLLUP_ID,
  signerOf,
  useVerifier,
  WEIGHTS,
} from "./engine-node.ts";
import { MemoryGossip } from "./memory-gossip.ts";

const verifier = useVerifier();
const HEIGHTS = 12n;

function nameOf(index: number): string {
  return index < WEIGHTS.length ? `operator ${index}` : "observer";
}

/** A node of the network; with a store it goes on from what an earlier one has kept. */
async function join(
  gossip: MemoryGossip,
  index: number,
  earlier?: { readonly store: Store; readonly lastSigned: Claim },
): Promise<EngineNode> {
  const isOperator = index < WEIGHTS.length;
  const name = nameOf(index);
  const node = createEngineNode({
    verifier: verifier(),
    gossip: gossip.portOf(name),
    engine: {
      operator: isOperator ? operatorAt(index) : null,
      rollups: [
        { rollupId: ROLLUP_ID, lastSigned: isOperator ? (earlier?.lastSigned ?? null) : null },
      ],
    },
    ...(isOperator && { signer: signerOf(index) }),
    ...(earlier && { store: earlier.store }),
  });
  if (earlier !== undefined) {
    const context = { bls, epochs: [0n], certificates: 100 };
    await restoreEngine(node.shell, node.store, context);
  }
  node.learn(0n);
  gossip.join(name, node);
  return node;
}

/** Lets every node ask every other, as it does while it runs. */
async function syncAll(gossip: MemoryGossip, nodes: readonly EngineNode[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    const ports = gossip.syncPortOf(nameOf(index));
    let asked = 0;
    const sync = createPeerSync(
      {
        gossip: {
          ...ports,
          requestHeads: async (peerId) => {
            asked += 1;
            return await ports.requestHeads(peerId);
          },
        },
        engine: node.shell,
        onFault: (error) => {
          throw error;
        },
        now: () => node.clock.now,
      },
      { intervalMs: 1_000_000, overlap: 64, peerTimeoutMs: 1_000 },
    );
    for (const peer of ports.peers()) sync.onPeerReady(peer);
    await expect.poll(() => asked).toBe(ports.peers().length);
  }
  await gossip.run();
}

function advance(nodes: readonly EngineNode[], ms: number): void {
  for (const node of nodes) {
    node.clock.now += ms;
    node.shell.input({ type: "tick" });
  }
}

describe.each([1, 2, 3, 4])("a network with loss and reordering (seed %i)", (seed) => {
  it("ends with the same certificates everywhere, a restarted node included", async () => {
    const gossip = new MemoryGossip(seed);
    gossip.loss = 0.2;
    const nodes: EngineNode[] = [];
    for (let index = 0; index <= WEIGHTS.length; index++) nodes.push(await join(gossip, index));
    for (let number = 1n; number <= HEIGHTS; number += 1n) {
      if (number === 5n) gossip.leave(nameOf(0));
      if (number === 9n) {
        const store = nodes[0]?.store;
        if (store === undefined) throw new Error("no node");
        nodes[0] = await join(gossip, 0, { store, lastSigned: claimAt(4n) });
        for (let missed = 1n; missed < number; missed += 1n) nodes[0].block(missed);
      }
      for (const [index, node] of nodes.entries()) {
        if (gossip.names().includes(nameOf(index))) node.block(number);
      }
      await gossip.run();
      advance(nodes, 100);
    }
    await syncAll(gossip, nodes);
    // The windows close, each publishes in its turn, and what was lost is asked for.
    for (let i = 0; i < 4; i++) {
      advance(nodes, 2_000);
      await gossip.run();
      await syncAll(gossip, nodes);
    }
    const [first, ...others] = nodes.map(certifiedIds);
    expect(Object.keys(first ?? {}).length).toBe(Number(HEIGHTS));
    for (const each of others) expect(each).toEqual(first);
    expect(nodes.flatMap((node) => node.fatal)).toEqual([]);
    expect(nodes.flatMap((node) => node.evidence)).toEqual([]);
  });
});
