import { createNativeBls } from "@mach/bls";
import {
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  fromHex,
  type OperatorSet,
  type ReleaseEvidence,
  toHex,
  uintWord,
} from "@mach/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { Signer } from "../../src/signer/signer.ts";
import { finalisedAt, headersAbove, linkedClaim } from "./test-chain.ts";
import { createTestKey, IDENTITY, NOW_MS, requestFor } from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

const bls = createNativeBls();
const { domain } = IDENTITY;

const keys = [1n, 2n, 3n].map((number) => {
  const key = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (key === null) throw new Error("no key");
  return key;
});

function setOf(epoch: bigint): OperatorSet {
  const operators = keys.map((key, i) => ({
    operator: `0x${`b${i}`.repeat(20)}` as const,
    publicKey: bls.publicKeyOf(key),
    weight: 10n,
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

function certify(claim: Claim, count = 3): Extract<ReleaseEvidence, { kind: "certificate" }> {
  const digest = claimDigest(domain, claim);
  const operatorSet = setOf(claim.epoch);
  const { operatorSetHash } = operatorSet;
  const some = keys.slice(0, count);
  const signature = bls.aggregateSignatures(some.map((key) => bls.sign(key, digest).uncompressed));
  if (signature === null) throw new Error("no sum");
  const signers = toHex(Uint8Array.of((1 << count) - 1));
  const id = certificateId({ digest, operatorSetHash, signers });
  const certificate: Certificate = {
    ...{ version: 1, certificateId: id, domain, claim, operatorSetHash, signers, signature },
  };
  return { kind: "certificate", certificate, operatorSet, thresholdBps: 6667 };
}

interface Asked {
  readonly branch?: number;
  readonly downTo?: bigint;
  readonly release?: ReleaseEvidence | null;
  readonly change?: Partial<Claim>;
}

const RECORDS: Readonly<Record<string, () => Promise<ProtectionRecord>>> = {
  memory: async () => createMemoryProtection(IDENTITY),
  lmdb: async () => recordIn(await lockedFolder()),
};

/** A signer that has signed height 12 of branch 0; the branches part above height 10. */
async function signedAt12(createRecord: () => Promise<ProtectionRecord>): Promise<Signer> {
  const signer = createSigner(
    {
      protection: await createRecord(),
      key: createTestKey(),
      bls,
      onFatal: (error) => expect.fail(String(error)),
      now: () => NOW_MS,
    },
    { maxAheadBlocks: 100n, maxQueued: 10 },
  );
  onTestFinished(() => signer.stop());
  const first = requestFor(linkedClaim(12n), { release: null });
  expect(await signer.sign(first)).toMatchObject({ ok: true });
  expect((await signer.lastSigned(901n))?.release).toBeNull();
  return signer;
}

async function ask(signer: Signer, height: bigint, asked: Asked = {}): Promise<string> {
  const { branch = 0, downTo = 12n, release = null, change = {} } = asked;
  const ancestry = headersAbove(height, downTo, branch);
  const claim = linkedClaim(height, branch, change);
  const result = await signer.sign(requestFor(claim, { ancestry, release }));
  return result.ok ? "signed" : result.code;
}

describe.each(Object.entries(RECORDS))("the fork lock of a signer on %s", (_, createRecord) => {
  test("signs what is shown to descend from the last claim, and nothing else", async () => {
    const signer = await signedAt12(createRecord);
    expect(await ask(signer, 14n, { downTo: 14n })).toBe("fork-locked");
    expect(await ask(signer, 14n, { downTo: 13n })).toBe("fork-locked");
    expect(await ask(signer, 14n, { branch: 1 })).toBe("fork-locked");
    expect(await ask(signer, 14n, { branch: 1, downTo: 5n })).toBe("fork-locked");
    expect(await ask(signer, 14n)).toBe("signed");
    expect(await ask(signer, 15n, { downTo: 5n })).toBe("signed");
    expect((await signer.lastSigned(901n))?.release).toBeNull();
  });

  test("takes no headers for others' than the claim's", async () => {
    const signer = await signedAt12(createRecord);
    const claim = linkedClaim(14n, 1);
    const ancestry = headersAbove(14n, 12n);
    const result = await signer.sign(requestFor(claim, { ancestry, release: null }));
    expect(result).toEqual({ ok: false, code: "fork-locked" });
    const malformed = requestFor(linkedClaim(14n), { ancestry: ["0x00", "0x"], release: null });
    expect(await signer.sign(malformed)).toEqual({ ok: false, code: "fork-locked" });
  });

  test.each<[string, bigint, Asked, string]>([
    ["below the last height", 14n, { release: certify(linkedClaim(11n, 1)) }, "fork-locked"],
    ["at the last height", 14n, { release: certify(linkedClaim(12n, 1)) }, "signed"],
    ["just below the claim", 14n, { release: certify(linkedClaim(13n, 1)) }, "signed"],
    ["for the claim itself", 14n, { release: certify(linkedClaim(14n, 1)) }, "fork-locked"],
    ["above the claim", 14n, { release: certify(linkedClaim(15n, 1)) }, "fork-locked"],
    ["on the branch that was left", 14n, { release: certify(linkedClaim(13n)) }, "fork-locked"],
    ["of a third branch", 14n, { release: certify(linkedClaim(13n, 2)) }, "fork-locked"],
    [
      "of an epoch below the last one",
      14n,
      { release: certify(linkedClaim(13n, 1, { epoch: 2n })) },
      "fork-locked",
    ],
    [
      "of an epoch above the claim's",
      14n,
      { release: certify(linkedClaim(13n, 1, { epoch: 4n })) },
      "fork-locked",
    ],
    [
      "of an epoch between",
      14n,
      { release: certify(linkedClaim(13n, 1, { epoch: 4n })), change: { epoch: 5n } },
      "signed",
    ],
    [
      "of another rollup",
      14n,
      { release: certify(linkedClaim(13n, 1, { rollupId: 7n })) },
      "fork-locked",
    ],
    ["that too few have signed", 14n, { release: certify(linkedClaim(13n, 1), 2) }, "bad-release"],
  ])("a certificate %s", async (_name, height, asked, code) => {
    const signer = await signedAt12(createRecord);
    expect(await ask(signer, height, { branch: 1, ...asked })).toBe(code);
    const record = await signer.lastSigned(901n);
    const isSigned = code === "signed";
    expect(record?.claim.blockNumber).toBe(isSigned ? 14n : 12n);
    const { certificate } = asked.release as ReturnType<typeof certify>;
    expect(record?.release).toEqual(isSigned ? { kind: "certificate", certificate } : null);
  });

  test("a certificate is nobody's word: it is checked again under its set", async () => {
    const signer = await signedAt12(createRecord);
    const good = certify(linkedClaim(13n, 1));
    const { certificate, operatorSet } = good;
    const [first, ...others] = operatorSet.operators;
    if (first === undefined) throw new Error("no operator");
    const heavier = { ...operatorSet, operators: [{ ...first, weight: 100n }, ...others] };
    const bad: readonly ReleaseEvidence[] = [
      {
        ...good,
        certificate: { ...certificate, signature: certify(linkedClaim(9n)).certificate.signature },
      },
      { ...good, certificate: { ...certificate, domain: { ...domain, chainId: 1n } } },
      { ...good, operatorSet: setOf(4n) },
      { ...good, operatorSet: heavier },
      { ...good, thresholdBps: 10 },
    ];
    for (const release of bad) {
      expect(await ask(signer, 14n, { branch: 1, release })).toBe("bad-release");
    }
    expect(await ask(signer, 14n, { branch: 1, release: good })).toBe("signed");
  });

  test.each<[string, Asked["release"], string]>([
    ["below the last height", finalisedAt(11n, 1), "fork-locked"],
    ["at the last height", finalisedAt(12n, 1), "signed"],
    ["that is the claim's own", finalisedAt(14n, 1), "signed"],
    ["above the claim", finalisedAt(15n, 1), "fork-locked"],
    ["of another branch", finalisedAt(13n, 2), "fork-locked"],
  ])("an L1-finalised block %s", async (_name, release, code) => {
    const signer = await signedAt12(createRecord);
    expect(await ask(signer, 14n, { branch: 1, release: release ?? null })).toBe(code);
    const kept = (await signer.lastSigned(901n))?.release;
    expect(kept).toEqual(code === "signed" ? release : null);
  });

  test("a release that is not needed is not kept, and one that leads nowhere does no harm", async () => {
    const signer = await signedAt12(createRecord);
    expect(await ask(signer, 13n, { release: finalisedAt(12n) })).toBe("signed");
    expect((await signer.lastSigned(901n))?.release).toBeNull();
    expect(await ask(signer, 14n, { release: finalisedAt(13n, 1) })).toBe("signed");
  });

  test("a block that a reorg has dropped while the request waited is not recorded", async () => {
    const signer = await signedAt12(createRecord);
    let isFollowed = true;
    const before = signer.sign(
      requestFor(linkedClaim(13n), { ancestry: headersAbove(13n, 12n), release: null }),
    );
    const queued = signer.sign(
      requestFor(linkedClaim(14n), {
        ancestry: headersAbove(14n, 12n),
        release: null,
        isStillWanted: () => isFollowed,
      }),
    );
    isFollowed = false;
    expect([await before, await queued]).toMatchObject([
      { ok: true },
      { code: "no-longer-wanted" },
    ]);
    expect((await signer.lastSigned(901n))?.claim.blockNumber).toBe(13n);
  });
});
