import { createNativeBls, type SecretKey } from "@mach/bls";
import {
  bitfieldFromIndices,
  buildOperatorSet,
  type Certificate,
  type Claim,
  type ConflictingCertificates,
  certificateId,
  claimDigest,
  type FalseSetUpdate,
  fromHex,
  type Hex,
  type OperatorSet,
  type SetUpdate,
  setUpdateDigest,
  uintWord,
} from "@mach/core";
import { Interface } from "ethers";
import { describe, expect, it } from "vitest";
import { SLASHER_ABI } from "../src/abi/slasher.ts";
import { encodeEvidence, type SlasherCall } from "../src/evidence-calldata.ts";
import { walkDistances } from "../src/evidence-plan.ts";

/** What nodes relay: geth's limit of a transaction, with its signature and envelope. */
const MAX_TRANSACTION_BYTES = 128 * 1024;
const COUNT = 256;
/** A registry's largest set, of which as many are absent as there may be. */
const ABSENT = 85;

const DOMAIN = { chainId: 31337n, verifyingContract: `0x${"aa".repeat(20)}` } as const;
const bls = createNativeBls();
const slasher = new Interface(SLASHER_ABI);
const secrets: readonly SecretKey[] = Array.from({ length: COUNT }, (_, i) => {
  const secret = bls.secretKeyFromBytes(fromHex(uintWord(i + 1)));
  if (secret === null) throw new Error("no secret key");
  return secret;
});
const operatorSet = setOf(1n);
const PRESENT = Array.from({ length: COUNT - ABSENT }, (_, i) => i + ABSENT);
const context = { domain: DOMAIN, operatorSet: () => operatorSet };

function setOf(epoch: bigint): OperatorSet {
  const operators = secrets.map((secret, i) => ({
    operator: `0x${(i + 1).toString(16).padStart(40, "0")}` as const,
    publicKey: bls.publicKeyOf(secret),
    weight: 10n,
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

function sumOf(
  indices: readonly number[],
  digest: Hex,
): { readonly signers: Hex; readonly signature: Hex } {
  const signatures = secrets
    .filter((_, index) => indices.includes(index))
    .map((secret) => bls.sign(secret, digest).uncompressed);
  const signature = bls.aggregateSignatures(signatures);
  if (signature === null) throw new Error("no signature");
  return { signers: bitfieldFromIndices(indices, COUNT), signature };
}

function certificateAt(blockNumber: bigint, stateRoot: Hex): Certificate {
  const claim: Claim = {
    ...{ rollupId: 901n, blockNumber, blockHash: uintWord(blockNumber), stateRoot },
    ...{ outputRoot: uintWord(2), timestamp: 1_060n, epoch: 1n, verification: 1 },
  };
  const digest = claimDigest(DOMAIN, claim);
  const signed = sumOf(PRESENT, digest);
  const { operatorSetHash } = operatorSet;
  const id = certificateId({ digest, operatorSetHash, signers: signed.signers });
  return { version: 1, certificateId: id, domain: DOMAIN, claim, operatorSetHash, ...signed };
}

function conflict(): ConflictingCertificates {
  const lower = certificateAt(5n, uintWord(1));
  const higher = certificateAt(5n, uintWord(2));
  const operators = operatorSet.operators.slice(ABSENT).map((each) => each.operator);
  const kind = "conflicting-certificates";
  return { kind, rollupId: 901n, operators, lower, higher, headers: [] };
}

function falseUpdate(indices: readonly number[]): FalseSetUpdate {
  const claimed = { epoch: 2n, operatorSetHash: uintWord(7) };
  const update: SetUpdate = {
    ...{ version: 1, domain: DOMAIN, ...claimed, signedBy: operatorSet.operatorSetHash },
    ...sumOf(indices, setUpdateDigest(DOMAIN, claimed)),
  };
  return { kind: "false-set-update", operators: [], update, registryHash: uintWord(8) };
}

const CONFLICT = conflict();
const BY_MOST = falseUpdate(PRESENT);
const BY_FEWER = falseUpdate(PRESENT.slice(1));

const bytesOf = (call: SlasherCall): number =>
  slasher.encodeFunctionData(call.method, call.args).length / 2 - 1;

function reportsOf(evidence: ConflictingCertificates | FalseSetUpdate): readonly SlasherCall[] {
  const encoded = encodeEvidence(bls, evidence, context);
  if (!encoded.ok) throw new Error(encoded.code);
  return encoded.encoded.report(encoded.encoded.accused.map((each) => each.operator));
}

describe("evidence against the largest sets", () => {
  it("goes into transactions that nodes relay, and accuses each operator once", () => {
    const calls = reportsOf(CONFLICT);
    expect(calls.map((call) => call.method)).toEqual([
      ...["reportConflict", "convict", "convict", "convict"],
    ]);
    expect(calls.map((call) => (call.args.at(-1) as readonly unknown[]).length)).toEqual([
      ...[0, 64, 64, COUNT - ABSENT - 128],
    ]);
    for (const evidence of [CONFLICT, BY_MOST, BY_FEWER]) {
      const sizes = reportsOf(evidence).map(bytesOf);
      expect(Math.max(...sizes)).toBeLessThan(MAX_TRANSACTION_BYTES - 1_024);
    }
    const some = encodeEvidence(bls, CONFLICT, context);
    const few = PRESENT.slice(0, 16).map((i) => operatorSet.operators[i]?.operator ?? "0x");
    const [opening, ...rest] = some.ok ? some.encoded.report(few) : [];
    expect(rest).toEqual([]);
    expect(opening && bytesOf(opening)).toBeLessThan(MAX_TRANSACTION_BYTES - 1_024);
  });

  it("shows every signer of an update below the threshold, in one call", () => {
    const [call, ...others] = reportsOf(BY_FEWER);
    expect(call?.method).toBe("reportFalseSetUpdateBy");
    expect(others).toEqual([]);
    expect(reportsOf(BY_MOST)[0]?.method).toBe("reportFalseSetUpdate");
  });
});

describe("evidence that has no encoding", () => {
  it("is refused with a code", () => {
    const evidence = CONFLICT;
    const encode = (changed: ConflictingCertificates, known = true): unknown =>
      encodeEvidence(bls, changed, {
        domain: DOMAIN,
        operatorSet: () => (known ? operatorSet : undefined),
      });
    const signature: Hex = `0x${"ff".repeat(96)}`;
    expect(encode(evidence, false)).toEqual({ ok: false, code: "unknown-operator-set" });
    expect(encode({ ...evidence, lower: { ...evidence.lower, signature } })).toEqual({
      ...{ ok: false, code: "bad-signature" },
    });
    expect(encode({ ...evidence, higher: { ...evidence.higher, signers: "0xff" } })).toEqual({
      ...{ ok: false, code: "malformed" },
    });
  });
});

describe("headers", () => {
  it("are walked in parts of less than 96 KiB, none left out", () => {
    const headers = (count: number, bytes: number): readonly Hex[] =>
      Array.from({ length: count }, () => `0x${"11".repeat(bytes)}` as const);
    expect(walkDistances([])).toEqual([]);
    expect(walkDistances(headers(3, 600))).toEqual([3]);
    expect(walkDistances(headers(400, 600))).toEqual([163, 326, 400]);
    expect(walkDistances(headers(12, 8_192))).toEqual([12]);
    expect(walkDistances(headers(13, 8_192))).toEqual([12, 13]);
  });
});
