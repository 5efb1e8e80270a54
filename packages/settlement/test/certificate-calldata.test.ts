import { createNativeBls, type NativeBls, type SecretKey } from "@mach/bls";
import { createPortableBls } from "@mach/bls/portable";
import {
  type Certificate,
  certificateId,
  claimDigest,
  type Domain,
  fromHex,
  type Hex,
  isHex,
  isSameDomain,
  type SetUpdateFailure,
  uintWord,
  verifyCertificate,
  verifySetUpdate,
  ZERO_HASH,
} from "@mach/core";
import { ContractFactory } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CERTIFICATE_VERIFIER_ABI,
  decodeVerifierAnswer,
  encodeCertificateCall,
  encodeSetUpdateCall,
  type PointEncoder,
  type VerifierAnswer,
} from "../src/index.ts";
import { type Anvil, DEPLOYER_KEY, mined, startAnvil } from "./anvil.ts";
import { creationCode } from "./creation-code.ts";
import { signerFor } from "./network.ts";
import { drawCase, type RandomCase, seededRandom } from "./random-certificates.ts";
import { rawSignaturePoint } from "./raw-points.ts";
import { readSetUpdates } from "./set-update-vectors.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";
const CASES = IS_LONG ? 1_000 : 60;
const MAX_OPERATORS = IS_LONG ? 256 : 40;
const SEED = 0x4d414348;

/** The contracts' enum `Code`. */
const CODE_OF: Readonly<Record<SetUpdateFailure, bigint>> = {
  malformed: 0n,
  "unknown-operator-set": 1n,
  "epoch-mismatch": 2n,
  "below-threshold": 3n,
  "bad-signature": 4n,
};

const bls: NativeBls = createNativeBls();
let anvil: Anvil;
let verifier: string;

beforeAll(async () => {
  anvil = await startAnvil();
  const signer = signerFor(anvil, DEPLOYER_KEY);
  const factory = new ContractFactory(
    CERTIFICATE_VERIFIER_ABI,
    creationCode("CertificateVerifier"),
    signer,
  );
  const contract = await factory.deploy();
  await mined(contract.deploymentTransaction());
  verifier = await contract.getAddress();
});

afterAll(async () => {
  await anvil.stop();
});

describe("the contract and the TypeScript verifier", () => {
  it("give one answer on random sets, signers and corruptions", { timeout: 600_000 }, async () => {
    const random = seededRandom(SEED);
    const secrets = Array.from({ length: MAX_OPERATORS }, (_, i) => secretOf(i + 1));
    const seen = new Set<string>();
    for (let i = 0; i < CASES; i++) {
      const each = drawCase({ bls, random, secrets }, MAX_OPERATORS);
      const answer = await askContract(each);
      const expected = verifyCertificate(bls, each.certificate, each);
      const code = expected.ok ? "valid" : expected.code;
      const label = `seed ${SEED}, case ${i}: ${each.name}`;
      expect({ label, ...answer }).toEqual({
        label,
        code,
        certificateId: expected.ok ? each.certificate.certificateId : ZERO_HASH,
        signedWeight: expected.ok ? expected.certificate.signedWeight : 0n,
      });
      seen.add(code);
    }
    expect([...seen].toSorted()).toEqual([
      "bad-signature",
      "below-threshold",
      "epoch-mismatch",
      "malformed",
      "unknown-operator-set",
      "valid",
    ]);
  });
});

describe("set updates", () => {
  it("are answered as the vectors say", async () => {
    const { signedBy, cases } = readSetUpdates();
    const { operatorSetHash } = signedBy;
    const answers: Record<string, unknown> = {};
    for (const { name, update } of cases) {
      const trust = { domain: update.domain, operatorSetHash, thresholdBps: 6667 };
      const encoded = encodeSetUpdateCall(bls, update, { operatorSet: signedBy, trust });
      if (!encoded.ok) throw new Error(encoded.code);
      const data = await anvil.rpc("eth_call", [
        { to: verifier, data: encoded.calldata },
        "latest",
      ]);
      const result = verifySetUpdate(bls, update, signedBy);
      expect(BigInt(String(data).slice(0, 66))).toBe(result.ok ? 5n : CODE_OF[result.code]);
      answers[name] = result.ok ? "valid" : result.code;
    }
    expect(answers).toEqual({
      "all sign": "valid",
      "a quorum signs": "valid",
      "one short": "below-threshold",
      "another hash": "bad-signature",
    });
  });
});

describe("the encoder", () => {
  it("refuses what has no encoding, with a code", () => {
    const { certificate, ...context } = drawUncorrupted();
    const { operatorSet } = context;
    const { operatorSetHash } = operatorSet;
    const trust = { ...context, operatorSetHash };
    const encode = (changed: typeof certificate): unknown =>
      encodeCertificateCall(bls, changed, { operatorSet, trust });
    expect(encode(certificate)).toMatchObject({ ok: true });
    expect(encode({ ...certificate, certificateId: ZERO_HASH })).toEqual({
      ok: false,
      code: "malformed",
    });
    expect(encode({ ...certificate, signature: "0x" })).toEqual({ ok: false, code: "malformed" });
    const undecodable: Hex = `0x${"ff".repeat(96)}`;
    expect(encode({ ...certificate, signature: undecodable })).toEqual({
      ok: false,
      code: "bad-signature",
    });
    const elsewhere = { ...trust, domain: { ...trust.domain, chainId: 1n } };
    expect(encodeCertificateCall(bls, certificate, { operatorSet, trust: elsewhere })).toEqual({
      ok: false,
      code: "other-network",
    });
    const withBadKey = { ...operatorSet, aggregatePublicKey: `0x${"ff".repeat(48)}` } as const;
    expect(encodeCertificateCall(bls, certificate, { operatorSet: withBadKey, trust })).toEqual({
      ok: false,
      code: "bad-public-key",
    });
  });

  it("makes the same calldata with the portable library", () => {
    const { certificate, ...context } = drawUncorrupted();
    const { operatorSet } = context;
    const trust = { ...context, operatorSetHash: operatorSet.operatorSetHash };
    const native = encodeCertificateCall(bls, certificate, { operatorSet, trust });
    expect(encodeCertificateCall(createPortableBls(), certificate, { operatorSet, trust })).toEqual(
      native,
    );
  });

  it("is checked with points that are the library's own", () => {
    for (let number = 1; number < 9; number++) {
      const { compressed } = bls.sign(secretOf(number), uintWord(number));
      expect(rawSignaturePoint(compressed)).toBe(bls.signatureToPoint(compressed));
    }
  });

  it("reads no answer from other bytes", () => {
    expect(decodeVerifierAnswer("0x")).toBeNull();
    expect(decodeVerifierAnswer(`${uintWord(6)}${"00".repeat(64)}`)).toBeNull();
    expect(decodeVerifierAnswer(`${uintWord(2n ** 64n)}${"00".repeat(64)}`)).toBeNull();
  });
});

/** What the contract says, or the encoder where the contract has no encoding for it. */
async function askContract(each: RandomCase): Promise<VerifierAnswer> {
  const { operatorSet, domain, thresholdBps } = each;
  const { operatorSetHash } = each.certificate;
  // The contract is given no network but the trusted one; the encoder would refuse for it.
  const certificate = isSameDomain(each.certificate.domain, domain)
    ? each.certificate
    : relabel(each.certificate, domain);
  const encoded = encodeCertificateCall(RAW_POINTS, certificate, {
    operatorSet,
    trust: { domain, operatorSetHash, thresholdBps },
  });
  if (!encoded.ok) {
    if (encoded.code !== "malformed") throw new Error(encoded.code);
    return { code: encoded.code, certificateId: ZERO_HASH, signedWeight: 0n };
  }
  const data = await anvil.rpc("eth_call", [{ to: verifier, data: encoded.calldata }, "latest"]);
  const answer = typeof data === "string" && isHex(data) ? decodeVerifierAnswer(data) : null;
  if (answer === null) throw new Error("no answer of the verifier");
  return answer;
}

function relabel(certificate: Certificate, domain: Domain): Certificate {
  const digest = claimDigest(domain, certificate.claim);
  return { ...certificate, domain, certificateId: certificateId({ ...certificate, digest }) };
}

/** Lets bad signatures through, so that it is the contract that refuses them. */
const RAW_POINTS: PointEncoder = {
  publicKeyToPoint: (publicKey) => bls.publicKeyToPoint(publicKey),
  signatureToPoint: rawSignaturePoint,
};

function drawUncorrupted(): RandomCase {
  const random = seededRandom(SEED);
  const secrets = Array.from({ length: 8 }, (_, i) => secretOf(i + 1));
  for (;;) {
    const each = drawCase({ bls, random, secrets }, 8);
    if (each.name === "none") return each;
  }
}

function secretOf(number: number): SecretKey {
  const secret = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (secret === null) throw new Error("no secret key");
  return secret;
}
