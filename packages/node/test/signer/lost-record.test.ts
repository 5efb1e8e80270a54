import { describe, expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { Signer, SignResult } from "../../src/signer/signer.ts";
import { finalisedAt, headersAbove, linkedClaim } from "./test-chain.ts";
import { claimAt, createTestKey, IDENTITY, NO_BLS, NOW_MS, requestFor } from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

function signerOn(protection: ProtectionRecord): Signer {
  const signer = createSigner(
    { protection, key: createTestKey(), bls: NO_BLS, onFatal: () => undefined, now: () => NOW_MS },
    { maxAheadBlocks: 100n, maxQueued: 10 },
  );
  onTestFinished(() => signer.stop());
  return signer;
}

/** The answer for a height of the chain, where L1 has finalised up to another, if any. */
async function codeOf(signer: Signer, height: bigint, finalized?: bigint): Promise<string> {
  const request = requestFor(linkedClaim(height), { release: null });
  if (finalized === undefined) return codeFor(await signer.sign(request));
  const release = finalisedAt(finalized);
  return codeFor(
    await signer.sign({ ...request, ancestry: headersAbove(height, finalized), release }),
  );
}

const codeFor = (result: SignResult): string => (result.ok ? "signed" : result.code);

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
    expect(await codeOf(signer, 1_200n)).toBe(waiting);
    expect(await codeOf(signer, 1_200n, 1_099n)).toBe(waiting);
    expect(await codeOf(signer, 1_100n, 1_100n)).toBe(waiting);
    expect(await signer.lastSigned(901n)).toBeNull();
    expect(await codeOf(signer, 1_101n, 1_100n)).toBe("signed");
    expect((await signer.lastSigned(901n))?.release).toEqual(finalisedAt(1_100n));
    expect(await codeOf(signer, 1_102n, 1_101n)).toBe("signed");
  });

  test("an L1-finalised block of another branch opens nothing", async () => {
    const signer = signerOn(await createRecord());
    await codeOf(signer, 1_000n);
    const ancestry = headersAbove(1_101n, 1_100n);
    const release = finalisedAt(1_100n, 1);
    const request = requestFor(linkedClaim(1_101n), { ancestry, release });
    expect(codeFor(await signer.sign(request))).toBe("waiting-for-finality");
  });

  test("each rollup waits by itself", async () => {
    const signer = signerOn(await createRecord());
    await codeOf(signer, 10n);
    expect(await codeOf(signer, 111n, 110n)).toBe("signed");
    const other = requestFor(claimAt(200n, { rollupId: 902n }), { release: null });
    expect(await signer.sign(other)).toEqual({ ok: false, code: "waiting-for-finality" });
  });
});

test("the ceiling stands across restarts", async () => {
  const folder = await lockedFolder();
  const first = signerOn(await recordIn(folder, IDENTITY, "record-lost"));
  await codeOf(first, 1_000n);
  await first.stop();
  const second = signerOn(await recordIn(folder));
  expect(await codeOf(second, 1_200n, 1_099n)).toBe("waiting-for-finality");
  expect(await codeOf(second, 1_200n, 1_100n)).toBe("signed");
});
