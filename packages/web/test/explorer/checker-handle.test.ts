import { expect, it } from "vitest";
import { certify, chainTo, claimOf, NETWORK } from "../../../sdk/test/signed-network.ts";
import { createCheckerHandle } from "../../src/explorer/checker-handle.ts";

const [BLOCK] = chainTo(0);
if (BLOCK === undefined) throw new Error("no block");
const QUESTION = { certificate: certify(claimOf(BLOCK)), thresholdBps: 6667, trust: null };
const NODE = { endpoint: "http://node.example", network: NETWORK };

/** A worker that never answers. */
function silentWorker() {
  const worker = { isEnded: false };
  const twin = {
    addEventListener: () => undefined,
    postMessage: () => undefined,
    terminate: () => {
      worker.isEnded = true;
    },
  };
  return { worker, start: () => twin as unknown as Worker };
}

it("leaves everything unchecked where the browser starts no worker", async () => {
  const handle = createCheckerHandle(() => {
    throw new Error("refused");
  }, NODE);
  for (let attempt = 0; attempt < 100; attempt++) {
    expect(await handle.check(QUESTION)).toMatchObject({
      ...{ status: "unchecked", code: "worker-failed" },
    });
  }
});

it("ends its worker once it is done with, and what that was asked", async () => {
  const { worker, start } = silentWorker();
  const handle = createCheckerHandle(start, NODE);
  const asked = handle.check(QUESTION);
  handle.stop();
  expect(await asked).toMatchObject({ status: "unchecked", code: "worker-failed" });
  expect(worker.isEnded).toBe(true);
});
