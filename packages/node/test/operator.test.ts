import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { claimDigest, compressSignature, fromHex, type Hex, toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { writeKeystore } from "../src/cli/keys-keystores.ts";
import type { OperatorConfig } from "../src/config.ts";
import type { DataFolder } from "../src/data-folder.ts";
import { openOperator } from "../src/operator.ts";
import { initialiseProtection } from "../src/signer/open-protection.ts";
import { claimAt, IDENTITY } from "./signer/test-claims.ts";
import { lockedFolder, temporaryPath } from "./signer/test-folders.ts";

const bls = createNativeBls();
const KEY: Hex = `0x${"11".repeat(32)}`;
const { domain, operator: address } = IDENTITY;

function publicKeyOf(key: Hex): Hex {
  const secretKey = bls.secretKeyFromBytes(fromHex(key));
  if (secretKey === null) throw new Error("not a secret key");
  return bls.publicKeyOf(secretKey);
}

async function keyFile(content: string, mode = 0o600): Promise<string> {
  const file = join(await temporaryPath(), "bls.key");
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

async function open(secretKeyFile: string, folder?: DataFolder) {
  const dependencies = {
    domain,
    bls,
    onFatal: () => undefined,
    onKeyFault: () => undefined,
    now: () => Date.now(),
  };
  return await openOperator(
    { address, secretKeyFile },
    { ...dependencies, folder: folder ?? (await lockedFolder()) },
  );
}

async function initialised(): Promise<DataFolder> {
  const folder = await lockedFolder();
  await initialiseProtection(folder, IDENTITY, "never-signed");
  return folder;
}

describe("the key file", () => {
  it.each<[string, string, number]>([
    ["that others can read", `${KEY}\n`, 0o640],
    ["of garbage", "hello\n", 0o600],
    ["that is too short", "0x1111\n", 0o600],
    ["of upper-case digits", `0x${"AB".repeat(32)}`, 0o600],
    ["that is empty", "", 0o600],
    ["of zero", `0x${"00".repeat(32)}`, 0o600],
    ["of a number above the group's order", `0x${"ff".repeat(32)}`, 0o600],
    ["that is far too long", "11".repeat(10_000), 0o600],
  ])("%s is refused, and its content is not told", async (_, content, mode) => {
    const file = await keyFile(content, mode);
    const failure = await open(file).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "NodeError", code: "secret-key-unusable" });
    const { message, cause } = failure as Error;
    expect(message).toContain(file);
    const told = `${message} ${String(cause)}`;
    if (content.trim().length > 5) expect(told).not.toContain(content.trim().slice(0, 40));
  });

  it.each(["is missing", "is a folder"])("that %s is refused", async (kind) => {
    const file = await keyFile(KEY);
    await rm(file);
    if (kind === "is a folder") await mkdir(file, { mode: 0o700 });
    await expect(open(file)).rejects.toMatchObject({ code: "secret-key-unusable" });
  });
});

describe("the keystore", () => {
  const PASSWORD = "correct horse";

  async function keystore(): Promise<OperatorConfig> {
    const secretKey = bls.secretKeyFromBytes(fromHex(KEY));
    if (secretKey === null) throw new Error("not a secret key");
    const keystoreFile = join(await temporaryPath(), "operator.json");
    const request = { file: keystoreFile, secretKey, path: "", kdf: "pbkdf2" as const };
    await writeKeystore(bls, { ...request, password: PASSWORD });
    return { address, keystoreFile, passwordFile: await keyFile(`${PASSWORD}\n`) };
  }

  it("signs once its password opens it", async () => {
    const operator = await openOperator(await keystore(), {
      ...{
        domain,
        bls,
        onFatal: () => undefined,
        onKeyFault: () => undefined,
        now: () => Date.now(),
      },
      folder: await initialised(),
    });
    expect(await operator.claims.holds(publicKeyOf(KEY))).toBe(true);
    await operator.stop();
  });

  it.each<[string, (config: OperatorConfig) => Promise<unknown>]>([
    ["open-to-others", ({ keystoreFile }) => chmod(keystoreFile ?? "", 0o640)],
    ["open-to-others", ({ passwordFile }) => chmod(passwordFile ?? "", 0o604)],
    ["wrong-password", ({ passwordFile }) => writeFile(passwordFile ?? "", "another horse")],
    ["malformed-keystore", ({ keystoreFile }) => writeFile(keystoreFile ?? "", KEY)],
    ["unreadable", ({ passwordFile }) => rm(passwordFile ?? "")],
  ])("is refused with %s, and neither key nor password is told", async (code, break_) => {
    const config = await keystore();
    await break_(config);
    const dependencies = {
      domain,
      bls,
      onFatal: () => undefined,
      onKeyFault: () => undefined,
      now: () => Date.now(),
    };
    const folder = await lockedFolder();
    const failure = await openOperator(config, { ...dependencies, folder }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ name: "NodeError", code: "secret-key-unusable" });
    const { message } = failure as Error;
    expect(message).toContain(`(${code})`);
    for (const told of [PASSWORD, "another horse", KEY.slice(2)])
      expect(message).not.toContain(told);
  });
});

describe("the signing record", () => {
  it("that was never made is refused, with what to do", async () => {
    const failure = await open(await keyFile(KEY)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "protection-unusable" });
    expect((failure as Error).message).toContain("protection-not-initialised");
  });

  it("that has gone is refused", async () => {
    const folder = await initialised();
    await rm(folder.protectionPath, { recursive: true });
    const failure = await open(await keyFile(KEY), folder).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "protection-unusable" });
    expect((failure as Error).message).toContain("protection-missing");
  });

  it("of another operator is refused", async () => {
    const folder = await lockedFolder();
    await initialiseProtection(
      folder,
      { domain, operator: `0x${"b2".repeat(20)}` },
      "never-signed",
    );
    const failure = await open(await keyFile(KEY), folder).catch((error: unknown) => error);
    expect((failure as Error).message).toContain("wrong-operator");
  });
});

it("an operator signs claims with its own key, and remembers where it left off", async () => {
  const folder = await initialised();
  const operator = await open(await keyFile(`${KEY.slice(2)}\n`), folder);
  const publicKey = publicKeyOf(KEY);
  expect(await operator.claims.holds(publicKey)).toBe(true);
  expect(await operator.claims.lastSigned(901n)).toBeNull();
  const claim = claimAt(7n);
  const request = {
    claim,
    publicKey,
    verifiedHead: 7n,
    ancestry: [],
    release: null,
    isStillWanted: () => true,
  };
  const signed = await operator.claims.sign(request);
  if (!signed.ok) throw new Error(signed.code);
  const signature = compressSignature(signed.attestation.signature);
  const message = claimDigest(domain, claim);
  expect(bls.verifyAggregate({ publicKeys: [publicKey], message, signature })).toBe(true);
  expect([signed.attestation.claim, signed.attestation.operator]).toEqual([claim, address]);
  expect(await operator.claims.lastSigned(901n)).toEqual(claim);
  const lower = { ...request, claim: claimAt(6n) };
  expect(await operator.claims.sign(lower)).toEqual({ ok: false, code: "height-not-above-last" });
  const dropped = { ...request, claim: claimAt(8n), isStillWanted: () => false };
  expect(await operator.claims.sign(dropped)).toEqual({ ok: false, code: "no-longer-wanted" });
  const binding = { peerId: toHex(new Uint8Array(38)), expiry: 2_000_000_000n };
  expect(await operator.bindings.signPeerBinding(binding)).toMatchObject({ operator: address });
  await operator.stop();
  expect(await operator.claims.sign(request)).toEqual({ ok: false, code: "signer-stopped" });
  const stopped = operator.bindings.signPeerBinding(binding);
  await expect(stopped).rejects.toMatchObject({ code: "signer-stopped" });
});
