import { toSetUpdate } from "@mach/core";
import { expect, it } from "vitest";
import { createEngineNode, operatorAt, signerOf, updateBy, useVerifier } from "./engine-node.ts";
import { create } from "./watched-l1.ts";

const verifier = useVerifier();

it("an epoch's hash is signed only once L1's sources agree on it, and while it is of use", async () => {
  const node = createEngineNode({
    verifier: verifier(),
    signer: signerOf(0),
    engine: { operator: operatorAt(0) },
  });
  const { l1, watcher, rounds, clock } = create({
    epoch: 10n,
    onEpoch: async ({ operatorSet, rollups }) => {
      const { epoch, operatorSetHash } = operatorSet;
      node.shell.input({ type: "set-known", operatorSet, rollups });
      node.shell.input({ type: "set-final", epoch, operatorSetHash });
    },
  });
  node.clock.now = clock.now;
  for (const epoch of [8n, 9n, 10n, 11n]) l1.fixed.add(epoch);
  for (const epoch of [10n, 11n]) l1.refused.set(epoch, { ok: false, code: "sources-disagree" });
  watcher.start();
  await rounds();
  // Epoch 9 has ended: nobody accepts the update into it any more.
  expect(node.setUpdates).toEqual([]);

  l1.refused.delete(10n);
  await expect.poll(() => node.setUpdates.map(toSetUpdate)).toEqual([updateBy([0], 10n)]);
  l1.refused.delete(11n);
  await expect
    .poll(() => node.setUpdates.map(toSetUpdate))
    .toEqual([updateBy([0], 10n), updateBy([0], 11n)]);
});
