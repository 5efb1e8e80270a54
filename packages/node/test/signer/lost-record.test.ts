import { describe, expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { Signer, SignRequest } from "../../src/signer/signer.ts";
import { claimAt, createTestKey, IDENTITY, NOW_MS, requestFor } from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

function signerOn(protection: ProtectionRecord): Signer {
  const signer = createSigner(
    { protection, key: createTestKey(), onFatal: () => undefined, now: () => NOW_MS },
    { maxAheadBlocks: 100n, maxQueued: 10 },
  );
  onTestFinished(() => signer.stop());
  return signer;
}

async function codeOf(
  signer: Signer,
  height: bigint,
  change: Partial<SignRequest> = {},
): Promise<string> {
  const result = await signer.sign(requestFor(claimAt(height), change));
  return result.ok ? "signed" : result.code;
}

const RECORDS: Readonly<Record<string, () => Promise<ProtectionRecord>>> = {
  memory: async () => createMemoryProtection(IDENTITY, "record-lost"),
  lmdb: async () => recordIn(await lockedFolder(), IDENTITY, "record-lost"),
};

describe.each(Object.entries(RECORDS))("after a record in %s was lost", (_, createRecord) => {
  test("nothing is signed until L1 has finalised what may have been signed before", async () => {
    const signer = signerOn(await createRecord());
    const waiting = "waiting-for-finality";
    expect(await codeOf(signer, 1_000n)).toBe(waiting);
    // The first request, at 1,000, has set the ceiling for good: 100 blocks above.
    expect(await codeOf(signer, 1_200n, { finalizedHead: null })).toBe(waiting);
    expect(await codeOf(signer, 1_200n, { finalizedHead: 1_099n })).toBe(waiting);
    expect(await codeOf(signer, 1_100n, { finalizedHead: 1_100n })).toBe(waiting);
    expect(await signer.lastSigned(901n)).toBeNull();
    expect(await codeOf(signer, 1_101n, { finalizedHead: 1_100n })).toBe("signed");
    expect(await codeOf(signer, 1_102n)).toBe("signed");
  });

  test("each rollup waits by itself", async () => {
    const signer = signerOn(await createRecord());
    await codeOf(signer, 10n);
    expect(await codeOf(signer, 111n, { finalizedHead: 110n })).toBe("signed");
    const other = requestFor(claimAt(200n, { rollupId: 902n }), { finalizedHead: 150n });
    expect(await signer.sign(other)).toEqual({ ok: false, code: "waiting-for-finality" });
  });
});

test("the ceiling stands across restarts", async () => {
  const folder = await lockedFolder();
  const first = signerOn(await recordIn(folder, IDENTITY, "record-lost"));
  await codeOf(first, 1_000n);
  await first.stop();
  const second = signerOn(await recordIn(folder));
  expect(await codeOf(second, 5_000n, { finalizedHead: 1_099n })).toBe("waiting-for-finality");
  expect(await codeOf(second, 5_000n, { finalizedHead: 1_100n })).toBe("signed");
});
