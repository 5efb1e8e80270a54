import { type Claim, claimDigest, peerBindingDigest } from "@mach/core";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createSigner,
  type SignerDependencies,
  type SignerOptions,
} from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { Signer } from "../../src/signer/signer.ts";
import {
  claimAt,
  createTestKey,
  hashOf,
  IDENTITY,
  NO_BLS,
  NOW_MS,
  requestFor,
} from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

const RECORDS: Readonly<Record<string, () => Promise<ProtectionRecord>>> = {
  memory: async () => createMemoryProtection(IDENTITY),
  lmdb: async () => recordIn(await lockedFolder()),
};

interface Setting {
  readonly signer: Signer;
  readonly key: ReturnType<typeof createTestKey>;
  readonly fatal: unknown[];
  readonly protection: ProtectionRecord;
}

function settingOn(
  protection: ProtectionRecord,
  change: { dependencies?: Partial<SignerDependencies>; options?: Partial<SignerOptions> } = {},
): Setting {
  const key = createTestKey();
  const fatal: unknown[] = [];
  const signer = createSigner(
    {
      protection,
      key,
      bls: NO_BLS,
      onFatal: (error) => fatal.push(error),
      now: () => NOW_MS,
      ...change.dependencies,
    },
    { maxAheadBlocks: 100n, maxQueued: 1000, ...change.options },
  );
  onTestFinished(() => signer.stop());
  return { signer, key, fatal, protection };
}

describe.each(Object.entries(RECORDS))("a signer on a record in %s", (_, createRecord) => {
  test("a new claim is signed and recorded whole", async () => {
    const { signer, key } = settingOn(await createRecord());
    const claim = claimAt(10n);
    const digest = claimDigest(IDENTITY.domain, claim);
    const { compressed, uncompressed } = await createTestKey().sign(digest);

    const result = await signer.sign(requestFor(claim));

    expect(result).toEqual({ ok: true, signed: { claim, digest, compressed, uncompressed } });
    expect(key.signed).toEqual([digest]);
    const record = { claim, digest, release: null, signature: uncompressed };
    expect(await signer.lastSigned(901n)).toEqual(record);
    expect(await signer.signedAt(901n, 10n)).toEqual(record);
    expect(await signer.signedAt(901n, 9n)).toBeNull();
    expect(await signer.lastSigned(902n)).toBeNull();
  });

  test("the same claim gives the same signature, made once", async () => {
    const { signer, key } = settingOn(await createRecord());
    const first = await signer.sign(requestFor(claimAt(10n)));
    const again = await signer.sign(requestFor(claimAt(10n)));
    await signer.sign(requestFor(claimAt(11n)));
    const later = await signer.sign(requestFor(claimAt(10n)));

    expect(first.ok).toBe(true);
    expect(again).toEqual(first);
    expect(later).toEqual(first);
    expect(key.signed).toHaveLength(2);
  });

  test.each<[string, Partial<Claim>]>([
    ["block hash", { blockHash: hashOf("other") }],
    ["state root", { stateRoot: hashOf("other") }],
    ["output root", { outputRoot: hashOf("other") }],
    ["timestamp", { timestamp: 1n }],
    ["epoch", { epoch: 4n }],
    ["verification", { verification: 2 }],
  ])("another %s at a signed height is refused", async (_field, change) => {
    const { signer, key } = settingOn(await createRecord());
    await signer.sign(requestFor(claimAt(10n)));

    const result = await signer.sign(requestFor(claimAt(10n, change)));

    expect(result).toEqual({ ok: false, code: "height-not-above-last" });
    expect(key.signed).toHaveLength(1);
  });

  test("a height below the last is refused, on that rollup alone", async () => {
    const { signer } = settingOn(await createRecord());
    await signer.sign(requestFor(claimAt(300n)));

    expect(await signer.sign(requestFor(claimAt(299n)))).toEqual({
      ok: false,
      code: "height-not-above-last",
    });
    expect((await signer.sign(requestFor(claimAt(1n, { rollupId: 902n })))).ok).toBe(true);
    expect((await signer.sign(requestFor(claimAt(1n, { rollupId: 900n })))).ok).toBe(true);
    expect((await signer.sign(requestFor(claimAt(301n)))).ok).toBe(true);
  });

  test("heights are compared as numbers up to the last uint64", async () => {
    const { signer } = settingOn(await createRecord());
    const heights = [255n, 256n, 65_536n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];
    for (const height of heights) {
      expect(await signer.sign(requestFor(claimAt(height)))).toMatchObject({ ok: true });
      expect((await signer.lastSigned(901n))?.claim.blockNumber).toBe(height);
      const fork = claimAt(height - 1n, { blockHash: hashOf("fork") });
      expect(await signer.sign(requestFor(fork))).toMatchObject({ code: "height-not-above-last" });
    }
  });

  test("height 0 counts as a height", async () => {
    const { signer } = settingOn(await createRecord());
    expect((await signer.sign(requestFor(claimAt(0n)))).ok).toBe(true);
    expect((await signer.lastSigned(901n))?.claim.blockNumber).toBe(0n);
    const other = claimAt(0n, { blockHash: hashOf("other") });
    expect(await signer.sign(requestFor(other))).toMatchObject({ code: "height-not-above-last" });
  });

  test("an epoch below the last is refused", async () => {
    const { signer } = settingOn(await createRecord());
    await signer.sign(requestFor(claimAt(10n, { epoch: 3n })));
    expect(await signer.sign(requestFor(claimAt(11n, { epoch: 2n })))).toEqual({
      ok: false,
      code: "epoch-below-last",
    });
    expect((await signer.sign(requestFor(claimAt(11n, { epoch: 4n })))).ok).toBe(true);
  });

  test("requests that the record is not for, or that no honest node makes, are refused", async () => {
    const { signer, key } = settingOn(await createRecord());
    const claim = claimAt(200n);
    const foreign = { ...IDENTITY.domain, chainId: 1n };
    const cases = [
      [requestFor(claim, { domain: foreign }), "wrong-domain"],
      [requestFor(claim, { operator: `0x${"a2".repeat(20)}` }), "wrong-operator"],
      [requestFor(claim, { verifiedHead: 99n }), "height-beyond-ceiling"],
      [requestFor(claimAt(2n ** 64n), {}), "malformed-claim"],
      [requestFor(claimAt(5n, { blockHash: "0x12" })), "malformed-claim"],
      [requestFor(claim, { isStillWanted: () => false }), "no-longer-wanted"],
    ] as const;
    for (const [request, code] of cases) {
      expect(await signer.sign(request)).toEqual({ ok: false, code });
    }
    expect(key.signed).toEqual([]);
    expect(await signer.lastSigned(901n)).toBeNull();
    expect((await signer.sign(requestFor(claim, { verifiedHead: 100n }))).ok).toBe(true);
  });

  test("of 100 conflicting requests at once exactly one is signed", async () => {
    const { signer, key } = settingOn(await createRecord());
    for (let trial = 1; trial <= 50; trial++) {
      const claims = Array.from({ length: 100 }, (_, i) =>
        claimAt(BigInt(trial), { blockHash: hashOf(`fork ${i}`) }),
      );
      const results = await Promise.all(claims.map((claim) => signer.sign(requestFor(claim))));
      expect(results.filter((result) => result.ok)).toHaveLength(1);
    }
    expect(key.signed).toHaveLength(50);
  });

  test("a claim whose key failed is recorded, blocks its height and can be asked for again", async () => {
    const protection = await createRecord();
    const key = createTestKey();
    let isAway = true;
    const sign = (message: `0x${string}`) => {
      if (isAway) throw new Error("away");
      return key.sign(message);
    };
    const { signer, fatal } = settingOn(protection, { dependencies: { key: { sign } } });
    const other = claimAt(10n, { blockHash: hashOf("other") });

    expect(await signer.sign(requestFor(claimAt(10n)))).toEqual({ ok: false, code: "key-failed" });
    isAway = false;
    expect(await signer.sign(requestFor(other))).toMatchObject({ code: "height-not-above-last" });
    expect((await signer.sign(requestFor(claimAt(10n)))).ok).toBe(true);
    expect(fatal).toEqual([]);
  });

  test("peer bindings carry a rising sequence, at least the time", async () => {
    const protection = await createRecord();
    let now = NOW_MS;
    const { signer } = settingOn(protection, { dependencies: { now: () => now } });
    const asked = { peerId: "0x002408011220", expiry: 1_750_003_600n } as const;
    const first = await signer.signPeerBinding(asked);
    now -= 1000;
    const second = await signer.signPeerBinding(asked);

    const binding = { operator: IDENTITY.operator, ...asked, sequence: BigInt(NOW_MS) };
    const digest = peerBindingDigest(IDENTITY.domain, binding);
    const { compressed } = await createTestKey().sign(digest);
    expect(first).toEqual({ ok: true, binding: { ...binding, signature: compressed } });
    expect(second).toMatchObject({ binding: { sequence: BigInt(NOW_MS) + 1n } });
  });

  test("more than the queue holds is refused at once, and the queue goes on", async () => {
    const { signer } = settingOn(await createRecord(), { options: { maxQueued: 2 } });
    const results = await Promise.all(
      [1n, 2n, 3n].map((height) => signer.sign(requestFor(claimAt(height)))),
    );
    expect(results.map((result) => (result.ok ? "signed" : result.code))).toEqual([
      "signed",
      "signed",
      "queue-full",
    ]);
    expect((await signer.sign(requestFor(claimAt(4n)))).ok).toBe(true);
  });

  test("a stopped signer signs nothing and says so", async () => {
    const { signer } = settingOn(await createRecord());
    const pending = signer.sign(requestFor(claimAt(1n)));
    await pending;
    await signer.stop();
    expect(await signer.sign(requestFor(claimAt(2n)))).toEqual({
      ok: false,
      code: "signer-stopped",
    });
    expect(await signer.signPeerBinding({ peerId: "0x00", expiry: 1n })).toEqual({
      ok: false,
      code: "signer-stopped",
    });
    await expect(signer.lastSigned(901n)).rejects.toMatchObject({ code: "signer-stopped" });
  });
});

describe("a record that fails", () => {
  const broken = new Error("disk full");

  test("a claim that cannot be recorded is not signed, and is fatal once", async () => {
    const protection = createMemoryProtection(IDENTITY);
    let isBroken = false;
    const commit: ProtectionRecord["commit"] = (change) =>
      protection.commit((writer) => {
        const value = change(writer);
        if (isBroken) throw broken;
        return value;
      });
    const { signer, key, fatal } = settingOn({ ...protection, commit });
    expect((await signer.sign(requestFor(claimAt(1n)))).ok).toBe(true);
    isBroken = true;

    const results = await Promise.all(
      [2n, 3n].map((height) => signer.sign(requestFor(claimAt(height)))),
    );
    isBroken = false;
    results.push(await signer.sign(requestFor(claimAt(4n))));

    expect(results).toEqual(Array(3).fill({ ok: false, code: "not-persisted" }));
    expect(fatal).toEqual([broken]);
    expect(key.signed).toHaveLength(1);
    expect(protection.newest(901n)?.claim.blockNumber).toBe(1n);
  });

  test("a record that fails while the key signs keeps that signature in", async () => {
    const protection = createMemoryProtection(IDENTITY);
    const newest: ProtectionRecord["newest"] = () => {
      throw broken;
    };
    const key = createTestKey();
    const { signer, fatal } = settingOn(
      { ...protection, newest },
      {
        dependencies: {
          key: {
            async sign(message) {
              await expect(signer.lastSigned(901n)).rejects.toBe(broken);
              return key.sign(message);
            },
          },
        },
      },
    );
    expect(await signer.sign(requestFor(claimAt(1n)))).toEqual({
      ok: false,
      code: "not-persisted",
    });
    expect(fatal).toEqual([broken]);
  });

  test("a sequence that cannot be recorded binds no peer", async () => {
    const protection = createMemoryProtection(IDENTITY);
    const commit: ProtectionRecord["commit"] = () => {
      throw broken;
    };
    const { signer, key, fatal } = settingOn({ ...protection, commit });
    expect(await signer.signPeerBinding({ peerId: "0x00", expiry: 1n })).toEqual({
      ok: false,
      code: "not-persisted",
    });
    expect(key.signed).toEqual([]);
    expect(fatal).toEqual([broken]);
  });
});
