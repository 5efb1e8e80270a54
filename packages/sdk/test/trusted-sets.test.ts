import { afterEach, beforeEach, expect, it } from "vitest";
import { createMachClient, type MachClient } from "../src/index.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { EPOCH_SECONDS, GENESIS, NETWORK, setOf, updateInto } from "./signed-network.ts";

let node: ReplayedNode;
let now: number;
beforeEach(async () => {
  node = await startNode();
  for (const epoch of [4n, 5n, 6n]) {
    node.putSet(setOf(epoch));
    node.putUpdate(updateInto(setOf(epoch), setOf(epoch - 1n)));
  }
});
afterEach(() => node.stop());

function client(): MachClient {
  return createMachClient({
    endpoints: [node.url],
    network: NETWORK,
    trust: { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash },
    now: () => now,
  });
}

/** So many seconds into an epoch, in milliseconds. */
function inEpoch(epoch: bigint, seconds = 30n): number {
  return Number(GENESIS + epoch * EPOCH_SECONDS + seconds) * 1000;
}

it("a client that follows the sets in every epoch keeps its trust for ever", async () => {
  const mach = client();
  for (const epoch of [2n, 3n, 4n, 5n, 6n]) {
    now = inEpoch(epoch);
    const { operatorSetHash } = setOf(epoch);
    expect(await mach.followSets()).toEqual({ ok: true, value: { epoch, operatorSetHash } });
  }
  const updates = node.asked.filter((path) => path.endsWith("/update"));
  expect(updates).toHaveLength(4);
});

it("an old hash leads on while the set under it is valid, and not a second longer", async () => {
  now = inEpoch(4n, 0n);
  expect(await client().followSets()).toMatchObject({ ok: true, value: { epoch: 4n } });
  // The set of epoch 2 may sign until the end of epoch 3 and one epoch more.
  now += 1_000;
  expect(await client().followSets()).toEqual({ ok: false, code: "stale-set" });
});

it("a client that slept through an epoch needs a new trust", async () => {
  const mach = client();
  now = inEpoch(3n);
  expect(await mach.followSets()).toMatchObject({ ok: true });
  now = inEpoch(6n);
  expect(await mach.followSets()).toEqual({ ok: false, code: "stale-set" });
});

it("an epoch without an update ends the way", async () => {
  node.forget("/v1/epochs/4/update");
  const mach = client();
  now = inEpoch(3n);
  await mach.followSets();
  now = inEpoch(4n);
  expect(await mach.followSets()).toEqual({ ok: false, code: "no-set" });
});
