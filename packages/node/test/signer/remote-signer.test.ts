import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createNativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import { connectSigner, type RemoteSigner } from "../../src/signer/remote-signer.ts";
import { startSignerServer } from "../../src/signer/signer-server.ts";
import { headersAbove, linkedClaim } from "./test-chain.ts";
import { claimAt, hashOf, IDENTITY, NOW_MS, requestFor } from "./test-claims.ts";

const bls = createNativeBls();
const TOKEN: Hex = `0x${"7e".repeat(32)}`;
const { domain, operator } = IDENTITY;

function newKey() {
  const secretKey = bls.generateSecretKey();
  return { secretKey, publicKey: bls.publicKeyOf(secretKey) };
}

interface Served {
  readonly isInPlace?: boolean;
  readonly answersFor?: ReturnType<typeof newKey>;
  readonly signsWith?: ReturnType<typeof newKey>;
}

async function serve(options: Served = {}) {
  const { isInPlace = true, answersFor = newKey(), signsWith = answersFor } = options;
  const fatal: unknown[] = [];
  const places: string[] = [];
  const signer = createSigner(
    {
      protection: createMemoryProtection(IDENTITY),
      key: { sign: (message) => bls.sign(signsWith.secretKey, message) },
      bls,
      onFatal: (error) => fatal.push(error),
      now: () => NOW_MS,
    },
    { maxAheadBlocks: 100n, maxQueued: 1_000 },
  );
  const { publicKey } = answersFor;
  const server = await startSignerServer(
    {
      signer,
      about: { ...IDENTITY, publicKey, origin: "never-signed", isInPlace },
      token: TOKEN,
      keepPlace: async () => {
        places.push("kept");
      },
      onFatal: (error) => fatal.push(error),
    },
    { host: "127.0.0.1", port: 0 },
  );
  onTestFinished(async () => {
    await server.stop();
    await signer.stop();
  });
  return { url: server.url, signer, server, publicKey, places };
}

async function connect(url: string, timeoutMs = 2_000): Promise<RemoteSigner> {
  return await connectSigner({ bls, identity: IDENTITY }, { url, token: TOKEN, timeoutMs });
}

async function post(url: string, path: string, body: unknown, token: string = TOKEN) {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { code } = (await response.json()) as { code?: string };
  return { status: response.status, code };
}

describe("a signer in another process", () => {
  test("signs claims, set updates and bindings that verify, and tells its last claim", async () => {
    const { url, publicKey } = await serve();
    const remote = await connect(url);
    expect(remote.about).toEqual({
      ...IDENTITY,
      publicKey,
      origin: "never-signed",
      isInPlace: true,
    });
    expect(await remote.lastSigned(901n)).toBeNull();
    const signed = await remote.sign(requestFor(claimAt(10n)));
    if (!signed.ok) throw new Error(signed.code);
    const { digest: message, compressed: signature } = signed.signed;
    const publicKeys = [publicKey];
    expect(bls.verifyAggregate({ publicKeys, message, signature })).toBe(true);
    expect(await remote.lastSigned(901n)).toEqual(claimAt(10n));
    expect(await remote.sign(requestFor(claimAt(10n)))).toEqual(signed);
    const update = { ...IDENTITY, epoch: 3n, operatorSetHash: hashOf("a set") };
    expect(await remote.signSetUpdate(update)).toMatchObject({ ok: true, signed: { epoch: 3n } });
    const binding = await remote.signPeerBinding({ peerId: "0x0024", expiry: 9n });
    expect(binding).toMatchObject({ ok: true, binding: { operator, expiry: 9n } });
  });

  test("refuses by its own record, and by the lock's evidence, as a local one does", async () => {
    const { url } = await serve();
    const remote = await connect(url);
    await remote.sign(requestFor(claimAt(10n)));
    const codeOf = async (...request: Parameters<typeof requestFor>) => {
      const result = await remote.sign(requestFor(...request));
      return result.ok ? "signed" : result.code;
    };
    expect(await codeOf(claimAt(10n, { blockHash: hashOf("fork") }))).toBe("height-not-above-last");
    expect(await codeOf(claimAt(500n), { verifiedHead: 10n })).toBe("height-beyond-ceiling");
    expect(await codeOf(claimAt(12n), { isStillWanted: () => false })).toBe("no-longer-wanted");
    const other = { ...domain, chainId: 1n };
    expect(await codeOf(claimAt(12n), { domain: other })).toBe("wrong-domain");
    expect(await codeOf(claimAt(11n), { release: null })).toBe("fork-locked");
    expect(await codeOf(claimAt(11n))).toBe("signed");
    expect(await codeOf(linkedClaim(12n))).toBe("signed");
    const descends = { release: null, ancestry: headersAbove(14n, 12n) };
    expect(await codeOf(linkedClaim(14n), { release: null })).toBe("fork-locked");
    expect(await codeOf(linkedClaim(14n), descends)).toBe("signed");
  });

  test("signs one of 100 conflicting claims that two nodes ask for at once", async () => {
    const { url } = await serve();
    const nodes = [await connect(url, 20_000), await connect(url, 20_000)];
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        nodes[i % 2]?.sign(requestFor(claimAt(10n, { blockHash: hashOf(`fork ${i}`) }))),
      ),
    );
    expect(results.filter((result) => result?.ok)).toHaveLength(1);
  });

  test("takes no bare digest, no foreign token and no foreign body", async () => {
    const { url } = await serve();
    const path = "/v1/sign/claim";
    const malformed = { status: 400, code: "malformed-request" };
    expect(await post(url, path, { digest: hashOf("anything") })).toEqual(malformed);
    expect(await post(url, path, null)).toEqual(malformed);
    expect(await post(url, path, {}, `0x${"7f".repeat(32)}`)).toMatchObject({ status: 401 });
    expect(await post(url, path, {}, "")).toMatchObject({ status: 401 });
    const stranger = {
      domain: { chainId: "31337", verifyingContract: domain.verifyingContract },
      operator: `0x${"a2".repeat(20)}`,
      rollupId: "901",
    };
    const wrong = { status: 412, code: "wrong-operator" };
    expect(await post(url, "/v1/last-signed", stranger)).toEqual(wrong);
    const wrongToken = { url, token: `0x${"00".repeat(32)}` as Hex, timeoutMs: 2_000 };
    await expect(connectSigner({ bls, identity: IDENTITY }, wrongToken)).rejects.toMatchObject({
      code: "signer-unreachable",
    });
  });

  test("signs no claim out of its place until a node has asked its peers", async () => {
    const { url, places } = await serve({ isInPlace: false });
    const remote = await connect(url);
    expect(remote.about.isInPlace).toBe(false);
    const request = requestFor(claimAt(10n));
    expect(await remote.sign(request)).toEqual({ ok: false, code: "quarantined" });
    await remote.keepPlace();
    expect(places).toEqual(["kept"]);
    expect(await remote.sign(request)).toMatchObject({ ok: true });
    expect((await connect(url)).about.isInPlace).toBe(true);
  });
});

describe("a node abstains", () => {
  const unreachable = { ok: false, code: "signer-unreachable" };

  test("while its signer is away", async () => {
    const { url, server } = await serve();
    const remote = await connect(url);
    await server.stop();
    expect(await remote.sign(requestFor(claimAt(10n)))).toEqual(unreachable);
    await expect(remote.lastSigned(901n)).rejects.toMatchObject({ code: "signer-unreachable" });
    await expect(connect(url)).rejects.toMatchObject({ code: "signer-unreachable" });
  });

  test("where what it gets is no signature of the signer's key", async () => {
    const { url } = await serve({ answersFor: newKey(), signsWith: newKey() });
    const remote = await connect(url);
    expect(await remote.sign(requestFor(claimAt(10n)))).toEqual(unreachable);
    const update = { ...IDENTITY, epoch: 3n, operatorSetHash: hashOf("a set") };
    expect(await remote.signSetUpdate(update)).toEqual(unreachable);
    expect(await remote.signPeerBinding({ peerId: "0x0024", expiry: 9n })).toEqual(unreachable);
  });

  test.each<[string, RequestListener]>([
    ["never", () => undefined],
    ["without an end", (_, response) => void response.write("x".repeat(100_000))],
    ["with no JSON", (_, response) => void response.end("<html>")],
    ["elsewhere", (_, response) => void response.writeHead(307, { location: "/x" }).end()],
    [
      "with a code of its own making",
      (_, response) => {
        response.writeHead(412).end(JSON.stringify({ code: "<script>" }));
      },
    ],
  ])("where the signer answers %s", async (_, listener) => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    await expect(connect(`http://127.0.0.1:${port}`, 500)).rejects.toMatchObject({
      code: "signer-unreachable",
    });
  });
});
