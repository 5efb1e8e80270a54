import { toSetUpdate } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createSetUpdateReader } from "../../src/view/set-update-reader.ts";
import {
  bls,
  createEngineNode,
  type EngineNode,
  operatorSetOf,
  PARAMETERS,
  updateBy,
  useVerifier,
} from "../engine/engine-node.ts";

const verifier = useVerifier();
/** Epoch 1 begins at the first, and at the second nobody accepts the update into it any more. */
const [BEGIN, DEADLINE] = [1_060_000, 1_120_000];

async function create(...epochs: readonly bigint[]) {
  const node = createEngineNode({ verifier: verifier() });
  node.clock.now = BEGIN;
  for (const epoch of epochs) {
    await node.store.putEpoch({ operatorSet: operatorSetOf(epoch), rollups: [PARAMETERS] });
  }
  node.learn(...epochs);
  const counted = { verifications: 0 };
  const reader = createSetUpdateReader({
    state: () => node.shell.state(),
    store: node.store,
    bls: {
      verifyAggregate: (signed) => {
        counted.verifications += 1;
        return bls.verifyAggregate(signed);
      },
    },
    now: () => node.clock.now,
  });
  return { node, reader, counted, read: (epoch: bigint) => reader.read(operatorSetOf(epoch)) };
}

/** The engine forgets what it knows of epochs, as it does after a while. */
function forget(node: EngineNode): void {
  node.shell.state().setUpdates.clear();
  node.shell.state().epochs.clear();
}

describe("a set update that stands", () => {
  it("is improving while signers are missing that may still sign", async () => {
    const { node, read } = await create(0n, 1n);
    await node.shell.receiveSetUpdate(updateBy([0, 1, 2], 1n));
    const update = updateBy([0, 1, 2], 1n);
    expect(await read(1n)).toEqual({ ok: true, value: { update, isImproving: true } });
    node.clock.now = DEADLINE;
    expect(await read(1n)).toEqual({ ok: true, value: { update, isImproving: false } });
    node.clock.now = BEGIN;
    await node.shell.receiveSetUpdate(updateBy([3], 1n));
    expect(await read(1n)).toMatchObject({
      value: { isImproving: false, update: { signers: "0x0f" } },
    });
  });

  it("is served from the store when the engine has forgotten it, checked once", async () => {
    const { node, read, counted } = await create(0n, 1n);
    await node.shell.receiveSetUpdate(updateBy([0, 1, 2], 1n));
    await node.shell.settle();
    forget(node);
    const update = updateBy([0, 1, 2], 1n);
    for (let time = 0; time < 3; time++) {
      expect(await read(1n)).toEqual({ ok: true, value: { update, isImproving: true } });
    }
    expect(counted.verifications).toBe(1);
  });

  it.each([
    ["whose signature is bad", { ...updateBy([0, 1, 2], 1n), signers: "0x0e" as const }],
    ["below the threshold", updateBy([0, 1], 1n)],
    ["over another hash than the registry's", updateBy([0, 1, 2], 1n, `0x${"ee".repeat(32)}`)],
    ["of another set", { ...updateBy([0, 1, 2], 1n), signedBy: `0x${"ee".repeat(32)}` as const }],
  ])("in a row %s is never served", async (_, row) => {
    const { node, read } = await create(0n, 1n);
    await node.store.putSetUpdate(row);
    expect(await read(1n)).toMatchObject({ ok: false, code: "not-yet" });
  });
});

describe("where none stands, the reader is told", () => {
  it("how much weight has signed, while it may still come", async () => {
    const { node, read } = await create(0n, 1n);
    await node.shell.receiveSetUpdate(updateBy([0], 1n));
    expect(await read(1n)).toEqual({
      ...{ ok: false, code: "not-yet" },
      detail: "Of the weight that is required, 67, 22 has signed.",
    });
  });

  it("that the set that signs is not known here", async () => {
    const { read } = await create(1n);
    expect(await read(1n)).toMatchObject({ code: "not-yet", detail: /not known on this node/ });
  });

  it("that none will come: of epoch 0, after an epoch without a set, and too late", async () => {
    const { node, read } = await create(0n, 1n, 3n);
    expect(await read(0n)).toMatchObject({ code: "no-update" });
    node.shell.input({ type: "set-absent", epoch: 2n });
    expect(await read(3n)).toMatchObject({ code: "no-update" });
    node.clock.now = DEADLINE;
    expect(await read(1n)).toMatchObject({ code: "no-update" });
    // A false signature stands for nothing, before and after.
    await node.shell.receiveSetUpdate(updateBy([0], 1n, `0x${"ee".repeat(32)}`));
    expect(await read(1n)).toMatchObject({ code: "no-update" });
    expect(node.shell.state().setUpdates.get(1n)?.held && toSetUpdate).toBeFalsy();
  });
});
