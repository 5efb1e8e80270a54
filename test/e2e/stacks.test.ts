import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPortableBls } from "@mach/bls/portable";
import { type Certificate, verifyCertificate, ZERO_HASH } from "@mach/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { parseStacks } from "../../scripts/local-network/rollups.ts";
import { read, until } from "./api.ts";

/** From the start of the operators on; the first set is fixed some seconds after genesis. */
const BOUND_MS = 90_000;

let network: LocalNetwork;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-stacks-"));
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    stacks: parseStacks("all"),
  });
});

afterAll(async () => {
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("a rollup of each stack becomes fast-final, block after block or batch after batch", async () => {
  const bls = createPortableBls();
  expect(network.rollups.map(({ stack }) => stack)).toEqual(["op", "orbit", "cdk", "zk"]);
  await Promise.all(
    network.rollups.map(async ({ rollupId, stack, rpcUrl }) => {
      const certificates = await until(
        `certificates of ${stack}`,
        async () => {
          const query = { rollupId, limit: 100 };
          const { data } = await read(network.apiUrl, "certificates", query);
          return data.length >= 3 ? data : null;
        },
        BOUND_MS,
      );
      const [certificate] = certificates;
      if (certificate === undefined) throw new Error("no certificate");
      const { claim } = certificate;
      const { data: operatorSet } = await read(network.apiUrl, "operatorSet", {
        epoch: claim.epoch,
      });
      expect(verifyCertificate(bls, certificate, { operatorSet, thresholdBps: 6667 }).ok).toBe(
        true,
      );
      expect(claim.outputRoot === ZERO_HASH).toBe(stack === "cdk");
      if (stack === "zk") await expectWholeBatches(rpcUrl, certificates);
      // On a busy machine the newest block may wait for a moment.
      await until(`${stack} to be well`, async () => {
        const { data } = await read(network.apiUrl, "health", {});
        const check = data.checks.find((each) => each.rollupId === rollupId);
        return check?.status === "ok" ? true : null;
      });
      const { data: rollup } = await read(network.apiUrl, "rollup", { rollupId });
      expect(rollup).toMatchObject({ stack, agree: 1, abstention: null });
      expect(rollup.sources.map(({ status }) => status)).toEqual(["ready", "ready"]);
    }),
  );
});

/** Every claim is about a batch's last block, and carries the batch's root. */
async function expectWholeBatches(
  rpcUrl: string,
  certificates: readonly Certificate[],
): Promise<void> {
  for (const { claim } of certificates) {
    const height = Number(claim.blockNumber);
    const block = await ask<{ l1BatchNumber: number }>(rpcUrl, "zks_getBlockDetails", height);
    const { l1BatchNumber } = block;
    const [, last] = await ask<string[]>(rpcUrl, "zks_getL1BatchBlockRange", l1BatchNumber);
    const details = await ask<{ rootHash: string }>(rpcUrl, "zks_getL1BatchDetails", l1BatchNumber);
    expect(BigInt(last ?? 0)).toBe(claim.blockNumber);
    expect([claim.stateRoot, claim.outputRoot]).toEqual([details.rootHash, details.rootHash]);
  }
}

async function ask<T>(url: string, method: string, param: number): Promise<T> {
  const body = JSON.stringify({ id: 1, method, params: [param], jsonrpc: "2.0" });
  const response = await fetch(url, { method: "POST", body });
  return ((await response.json()) as { result: T }).result;
}
