import { createNativeBls, type SecretKey } from "@mach/bls";
import { type Claim, claimDigest, fromHex, type Hex, uintWord } from "@mach/core";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type KeyRing, openKeyRing } from "../../src/keys/key-ring.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import { connectSigner } from "../../src/signer/remote-signer.ts";
import type { Signer, SignResult } from "../../src/signer/signer.ts";
import { startSignerServer } from "../../src/signer/signer-server.ts";
import { claimAt, hashOf, IDENTITY, NOW_MS, requestFor } from "./test-claims.ts";

const bls = createNativeBls();
const TOKEN: Hex = `0x${"7e".repeat(32)}`;

function key(number: number): SecretKey {
  const secretKey = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (secretKey === null) throw new Error("no key");
  return secretKey;
}

const [PRESENT, NEXT] = [bls.publicKeyOf(key(1)), bls.publicKeyOf(key(2))];

interface Rotating {
  readonly signer: Signer;
  readonly keys: KeyRing;
  readonly protection: ProtectionRecord;
  /** The next key's file comes. */
  arrive(): void;
}

async function rotating(isThere = true): Promise<Rotating> {
  let now = 0;
  let hasNext = isThere;
  const keys = await openKeyRing(key(1), {
    ...{ bls, now: () => now, onFault: (error: unknown) => expect.fail(String(error)) },
    readNext: async () => (hasNext ? key(2) : null),
  });
  const protection = createMemoryProtection(IDENTITY);
  const signer = createSigner(
    { protection, key: keys, bls, onFatal: () => undefined, now: () => NOW_MS },
    { maxAheadBlocks: 100n, maxQueued: 1_000 },
  );
  onTestFinished(() => signer.stop());
  const arrive = (): void => {
    hasNext = true;
    now += 5_000;
  };
  return { signer, keys, protection, arrive };
}

/** Whose signature it is; null where nothing was signed. */
function signedBy(result: SignResult): Hex | "nobody" | null {
  if (!result.ok) return null;
  const { digest: message, compressed: signature } = result.signed;
  const by = [PRESENT, NEXT].find((publicKey) =>
    bls.verifyAggregate({ publicKeys: [publicKey], message, signature }),
  );
  return by ?? "nobody";
}

const fork = (height: bigint): Claim => claimAt(height, { blockHash: hashOf(`fork ${height}`) });

test("each claim is signed by the key that is named, and both keep the one record", async () => {
  const { signer } = await rotating();
  const sign = (claim: Claim, publicKey?: Hex) => signer.sign(requestFor(claim, { publicKey }));
  expect(signedBy(await sign(claimAt(10n)))).toBe(PRESENT);
  expect(signedBy(await sign(claimAt(11n), NEXT))).toBe(NEXT);
  const taken = { ok: false, code: "height-not-above-last" };
  expect(await sign(fork(11n), PRESENT)).toEqual(taken);
  expect(await sign(fork(10n), NEXT)).toEqual(taken);
  expect(await signer.lastSigned(901n)).toMatchObject({ claim: claimAt(11n) });
});

test("another key leaves no branch that the first was bound to", async () => {
  const { signer } = await rotating();
  await signer.sign(requestFor(claimAt(10n), { publicKey: PRESENT }));
  const left = requestFor(fork(11n), { publicKey: NEXT, release: null });
  expect(await signer.sign(left)).toEqual({ ok: false, code: "fork-locked" });
});

test("the very same claim is signed by either key, and the record keeps the first", async () => {
  const { signer, protection } = await rotating();
  const ask = (publicKey: Hex) => signer.sign(requestFor(claimAt(10n), { publicKey }));
  expect(signedBy(await ask(PRESENT))).toBe(PRESENT);
  expect(signedBy(await ask(NEXT))).toBe(NEXT);
  // What was signed since takes the signature that was made before along into the record.
  await signer.sign(requestFor(claimAt(11n)));
  expect(signedBy(await ask(NEXT))).toBe(NEXT);
  expect(signedBy(await ask(PRESENT))).toBe(PRESENT);
  expect([...protection.contents().claims]).toHaveLength(2);
});

test("a key that is not held signs nothing, and the claim may be asked for again", async () => {
  const { signer } = await rotating();
  const request = requestFor(claimAt(10n), { publicKey: bls.publicKeyOf(key(3)) });
  expect(await signer.sign(request)).toEqual({ ok: false, code: "key-failed" });
  expect(signedBy(await signer.sign({ ...request, publicKey: NEXT }))).toBe(NEXT);
});

test("one hash is signed for an epoch, by whichever key", async () => {
  const { signer } = await rotating();
  const update = { ...IDENTITY, epoch: 3n, operatorSetHash: hashOf("a set") };
  expect(await signer.signSetUpdate({ ...update, publicKey: PRESENT })).toMatchObject({ ok: true });
  const other = { ...update, operatorSetHash: hashOf("another"), publicKey: NEXT };
  expect(await signer.signSetUpdate(other)).toEqual({ ok: false, code: "another-hash-signed" });
  const again = await signer.signSetUpdate({ ...update, publicKey: NEXT });
  if (!again.ok) throw new Error(again.code);
  const { digest: message, compressed: signature } = again.signed;
  expect(bls.verifyAggregate({ publicKeys: [NEXT], message, signature })).toBe(true);
});

test("two keys sign no two claims at one height, and no lower one, whatever is asked", async () => {
  const asked = fc.record({
    height: fc.bigInt(1n, 6n),
    isFork: fc.boolean(),
    publicKey: fc.constantFrom(PRESENT, NEXT, undefined),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 12 }), async (requests) => {
      const { signer } = await rotating();
      const signed = new Map<bigint, Hex>();
      let highest = 0n;
      for (const { height, isFork, publicKey } of requests) {
        const claim = isFork ? fork(height) : claimAt(height);
        const result = await signer.sign(requestFor(claim, { publicKey }));
        if (!result.ok) continue;
        const digest = claimDigest(IDENTITY.domain, claim);
        expect(signed.get(height) ?? digest).toBe(digest);
        if (!signed.has(height)) expect(height).toBeGreaterThan(highest);
        signed.set(height, digest);
        highest = height > highest ? height : highest;
      }
    }),
    { numRuns: 40 },
  );
});

test("a signer elsewhere is asked again for a key that it had not, and signs by both", async () => {
  const { signer, keys, arrive } = await rotating(false);
  const server = await startSignerServer(
    {
      ...{ signer, token: TOKEN, keepPlace: async () => undefined, onFatal: () => undefined },
      about: { ...IDENTITY, publicKey: PRESENT, origin: "never-signed", isInPlace: true },
      nextPublicKey: () => keys.nextPublicKey(),
    },
    { host: "127.0.0.1", port: 0 },
  );
  onTestFinished(() => server.stop());
  const options = { url: server.url, token: TOKEN, timeoutMs: 5_000 };
  const remote = await connectSigner({ bls, identity: IDENTITY }, options);
  expect(await remote.holds(PRESENT)).toBe(true);
  arrive();
  expect(await Promise.all([remote.holds(NEXT), remote.holds(NEXT)])).toEqual([true, true]);
  const sign = (claim: Claim, publicKey?: Hex) => remote.sign(requestFor(claim, { publicKey }));
  expect(signedBy(await sign(claimAt(10n)))).toBe(PRESENT);
  expect(signedBy(await sign(claimAt(11n), NEXT))).toBe(NEXT);
  expect(await sign(fork(11n), PRESENT)).toEqual({ ok: false, code: "height-not-above-last" });
  const update = { ...IDENTITY, epoch: 4n, operatorSetHash: hashOf("a set"), publicKey: NEXT };
  expect(await remote.signSetUpdate(update)).toMatchObject({ ok: true });
  const binding = { peerId: "0x0024", expiry: 9n, publicKey: NEXT } as const;
  expect(await remote.signPeerBinding(binding)).toMatchObject({ ok: true });
  const { about } = await connectSigner({ bls, identity: IDENTITY }, options);
  expect(about).toMatchObject({ publicKey: PRESENT, nextPublicKey: NEXT });
});
