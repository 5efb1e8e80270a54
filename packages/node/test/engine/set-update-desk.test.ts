import { type Hex, type SetUpdate, toSetUpdate, verifySetUpdate } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { ClaimSigner } from "../../src/engine/ports.ts";
import { restoreEngine } from "../../src/engine/restore.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { type Store, storeOptions } from "../../src/store/store.ts";
import { lockedFolder, temporaryPath } from "../signer/test-folders.ts";
import {
  bls,
  createEngineNode,
  DOMAIN,
  type EngineNode,
  memoryStore,
  operatorAt,
  operatorSetOf,
  PARAMETERS,
  signerOf,
  updateBy,
  useVerifier,
} from "./engine-node.ts";
import { MemoryGossip } from "./memory-gossip.ts";

const verifier = useVerifier();
const WRONG: Hex = `0x${"ee".repeat(32)}`;
/** Within epoch 1. */
const NOW = 1_070_000;

function create(operator?: number, signer?: ClaimSigner, gossip = {}): EngineNode {
  const node = createEngineNode({
    verifier: verifier(),
    gossip,
    engine: { operator: operator === undefined ? null : operatorAt(operator) },
    ...(operator !== undefined && { signer: signer ?? signerOf(operator) }),
  });
  node.clock.now = NOW;
  return node;
}

function heldBy(node: EngineNode, epoch = 1n): SetUpdate | null {
  const held = node.shell.state().setUpdates.get(epoch)?.held ?? null;
  return held && toSetUpdate(held);
}

describe("an operator", () => {
  it("signs what L1 has finalised, publishes it, and counts it", async () => {
    const node = create(0);
    node.learn(0n, 1n);
    await node.shell.settle();
    expect(node.setUpdates).toEqual([]);
    node.finalize(1n);
    await node.shell.settle();
    expect(node.setUpdates.map(toSetUpdate)).toEqual([updateBy([0], 1n)]);
    expect(node.fatal).toEqual([]);
  });

  it("whose key is not the set's signs nothing, and is told why", async () => {
    const node = create(0, signerOf(0, 4));
    node.finalize(0n, 1n);
    await node.shell.settle();
    expect(node.setUpdates).toEqual([]);
    expect(node.announced).toEqual([
      { type: "set-update-refused", epoch: 1n, code: "key-not-in-set" },
    ]);
  });

  it("whose signer refuses is told why, and asks again later", async () => {
    let asked = 0;
    const refusing: ClaimSigner = {
      ...signerOf(0),
      signSetUpdate: async ({ isStillWanted }) => {
        asked += 1;
        return { ok: false, code: isStillWanted() ? "key-failed" : "no-longer-wanted" };
      },
    };
    const node = create(0, refusing);
    node.finalize(0n, 1n);
    await node.shell.settle();
    node.clock.now += 10_000;
    node.shell.input({ type: "tick" });
    await node.shell.settle();
    expect([asked, node.announced.map((each) => each.type)]).toEqual([
      2,
      ["set-update-refused", "set-update-refused"],
    ]);
  });
});

describe("a signer whose turn comes late", () => {
  it.each([
    [1_119_999, "key-failed"],
    [1_120_000, "no-longer-wanted"],
  ])("is told at %d ms whether contracts still accept it", async (at, code) => {
    const late: ClaimSigner = {
      ...signerOf(0),
      signSetUpdate: async ({ isStillWanted }) => {
        node.clock.now = at;
        return { ok: false, code: isStillWanted() ? "key-failed" : "no-longer-wanted" };
      },
    };
    const node = create(0, late);
    node.finalize(0n, 1n);
    await node.shell.settle();
    expect(node.announced).toEqual([{ type: "set-update-refused", epoch: 1n, code }]);
  });
});

describe("what peers send", () => {
  it("becomes an update that is stored, then announced, and improves", async () => {
    const node = create();
    node.learn(0n, 1n);
    for (const index of [0, 1, 2, 3]) {
      expect(await node.shell.receiveSetUpdate(updateBy([index], 1n))).toEqual({ accept: true });
      await node.shell.settle();
    }
    const stored = await node.store.setUpdateOf(1n);
    expect(stored).toEqual(updateBy([0, 1, 2, 3], 1n));
    expect(stored && verifySetUpdate(bls, stored, operatorSetOf(0n)).ok).toBe(true);
    expect(
      node.announced.map((each) => each.type === "set-update" && each.update.signedWeight),
    ).toEqual([72n, 100n]);
  });

  it("is rejected where it is forged, and ignored where it is known", async () => {
    const node = create();
    node.learn(0n, 1n);
    const forged = { ...updateBy([0], 1n), signature: updateBy([1], 1n).signature };
    const bad = { accept: false, code: "bad-signature", blame: true };
    expect(await node.shell.receiveSetUpdate(forged)).toEqual(bad);
    const sum = { ...updateBy([0, 1, 2], 1n), signature: updateBy([0, 1, 3], 1n).signature };
    expect(await node.shell.receiveSetUpdate(sum)).toEqual(bad);
    const update = updateBy([0], 1n);
    const both = [node.shell.receiveSetUpdate(update), node.shell.receiveSetUpdate(update)];
    expect(await Promise.all(both)).toEqual([
      { accept: true },
      { accept: false, code: "duplicate", blame: false },
    ]);
    expect(heldBy(node)).toBeNull();
  });

  it("and is over another hash than the registry's becomes evidence, and is not forwarded", async () => {
    const node = create();
    node.learn(0n, 1n);
    const verdict = await node.shell.receiveSetUpdate(updateBy([2], 1n, WRONG));
    await node.shell.settle();
    expect(verdict).toEqual({ accept: false, code: "false-set-update", blame: false });
    const [evidence] = node.evidence;
    expect(evidence).toEqual({
      kind: "false-set-update",
      operators: [operatorAt(2)],
      update: updateBy([2], 1n, WRONG),
      registryHash: operatorSetOf(1n).operatorSetHash,
    });
    expect(node.announced.map((each) => each.type)).toEqual(["evidence"]);
    const other = create();
    other.learn(0n, 1n);
    if (evidence === undefined) throw new Error("no evidence");
    expect(await other.shell.receiveEvidence(evidence)).toEqual({ accept: true });
    expect((await other.store.listEvidence({ limit: 9 })).map((each) => each.evidence)).toEqual([
      evidence,
    ]);
  });

  it("convicts each operator that signed a false hash, however many they are", async () => {
    const node = create();
    node.learn(0n, 1n);
    for (const index of [0, 1, 2, 3]) {
      await node.shell.receiveSetUpdate(updateBy([index], 1n, WRONG));
    }
    await node.shell.settle();
    expect(await node.store.listEvidence({ limit: 9 })).toHaveLength(4);
  });
});

it("operators agree on one update, whoever was away or started late", async () => {
  const gossip = new MemoryGossip(7);
  const nodes = [0, 1, 2, 3].map((index) => create(index, undefined, gossip.portOf(`${index}`)));
  const [first, second, third, late] = nodes;
  if (!first || !second || !third || !late) throw new Error("no nodes");
  for (const [at, node] of [first, second, third].entries()) gossip.join(`${at}`, node);
  // One learns of the epoch after the others have signed it.
  for (const node of [first, second]) node.finalize(0n, 1n);
  third.learn(0n);
  await gossip.run();
  third.finalize(1n);
  await gossip.run();
  expect([first, second, third].map((node) => heldBy(node))).toEqual(
    Array(3).fill(updateBy([0, 1, 2], 1n)),
  );
  gossip.join("3", late);
  late.finalize(0n, 1n);
  await gossip.run();
  const page = await gossip
    .syncPortOf("3")
    .requestSetUpdates("0", { epoch: 1n, from: 0, limit: 9 });
  if (!page.ok) throw new Error(page.code);
  for (const update of page.items) await late.shell.receiveSetUpdate(update);
  await gossip.run();
  expect(nodes.map((node) => heldBy(node))).toEqual(Array(4).fill(updateBy([0, 1, 2, 3], 1n)));
});

describe("a restart", () => {
  async function storeIn(path: string): Promise<{ store: Store; close: () => Promise<void> }> {
    const folder = await lockedFolder(path);
    const options = { ...storeOptions(DOMAIN), maxEvidence: 10, maxAlerts: 10 };
    const opened = await openLmdbStore(folder, options);
    if (!opened.ok) throw new Error(opened.code);
    const { store } = opened;
    return { store, close: async () => await store.stop().then(() => folder.release()) };
  }

  function nodeOn(store: Store, operator?: number): EngineNode {
    const node = createEngineNode({
      ...{ verifier: verifier(), store },
      ...(operator !== undefined && { signer: signerOf(operator) }),
      engine: { operator: operator === undefined ? null : operatorAt(operator) },
    });
    node.clock.now = NOW;
    return node;
  }

  it("gives back the update from the disk, neither stored nor announced nor signed again", async () => {
    const path = await temporaryPath();
    const before = await storeIn(path);
    for (const epoch of [0n, 1n]) {
      await before.store.putEpoch({ operatorSet: operatorSetOf(epoch), rollups: [PARAMETERS] });
    }
    const running = nodeOn(before.store);
    running.learn(0n, 1n);
    await running.shell.receiveSetUpdate(updateBy([0, 1, 2], 1n));
    await running.shell.settle();
    await before.close();

    const after = await storeIn(path);
    const node = nodeOn(after.store, 3);
    await restoreEngine(node.shell, after.store, { bls, epochs: [0n, 1n], certificates: 1 });
    await node.shell.settle();
    expect(heldBy(node)).toEqual(updateBy([0, 1, 2], 1n));
    node.shell.input({ type: "tick" });
    await node.shell.settle();
    // What the store says of L1 is not what L1 says: nothing is signed on it.
    expect([node.announced, node.setUpdates]).toEqual([[], []]);
    node.finalize(1n);
    await node.shell.settle();
    expect(await after.store.setUpdateOf(1n)).toEqual(updateBy([0, 1, 2, 3], 1n));
    await after.close();
  });

  it.each<[string, SetUpdate]>([
    ["with a bad signature", { ...updateBy([0, 1, 2], 1n), signers: "0x0e" }],
    ["over another hash", updateBy([0, 1, 2], 1n, WRONG)],
    ["below the threshold", updateBy([0, 1], 1n)],
  ])("leaves out a row %s", async (_, update) => {
    const store = memoryStore();
    for (const epoch of [0n, 1n]) {
      await store.putEpoch({ operatorSet: operatorSetOf(epoch), rollups: [PARAMETERS] });
    }
    await store.putSetUpdate(update);
    const node = nodeOn(store);
    await restoreEngine(node.shell, store, { bls, epochs: [0n, 1n], certificates: 1 });
    await node.shell.settle();
    expect([heldBy(node), await store.listEvidence({ limit: 9 })]).toEqual([null, []]);
  });
});
