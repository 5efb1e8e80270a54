import { readFileSync } from "node:fs";
import { createPortableBls } from "@mach/bls/portable";
import { verifyCertificate, verifyEvidence, verifySetUpdate } from "@mach/core";
import { describe, expect, test } from "vitest";
import {
  type ParseResult,
  parseCertificate,
  parseEvidence,
  parseOperatorSet,
  parseSetUpdate,
} from "../src/documents.ts";

const bls = createPortableBls();

function readVectors<T>(name: string): T {
  const url = new URL(`../../../test/vectors/mach/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

function read<T>(result: ParseResult<T>): T {
  if (!result.ok) throw new Error(`malformed at ${result.path}`);
  return result.value;
}

interface Case {
  readonly name: string;
  readonly expect: string;
}
type CertificateCase = Case & {
  readonly thresholdBps: number;
  readonly certificate: unknown;
  readonly operatorSet: unknown;
};

describe("what comes through the documents gets the code that the vectors expect", () => {
  test.each(readVectors<readonly CertificateCase[]>("certificates"))(
    "certificate: $name is $expect",
    (each) => {
      const operatorSet = read(parseOperatorSet(each.operatorSet));
      const parsed = parseCertificate(each.certificate);
      const { thresholdBps } = each;
      const result = parsed.ok
        ? verifyCertificate(bls, parsed.value, { operatorSet, thresholdBps })
        : parsed;
      expect(result.ok ? "valid" : result.code).toBe(each.expect);
    },
  );

  const evidence = readVectors<{
    readonly domain: { readonly chainId: string; readonly verifyingContract: `0x${string}` };
    readonly operatorSet: unknown;
    readonly cases: readonly (Case & { readonly evidence: unknown })[];
  }>("evidence");
  const operatorSet = read(parseOperatorSet(evidence.operatorSet));
  const domain = { ...evidence.domain, chainId: BigInt(evidence.domain.chainId) };

  test.each(evidence.cases)("evidence: $name is $expect", (each) => {
    const context = {
      domain,
      operatorSet: (epoch: bigint) => (epoch === operatorSet.epoch ? operatorSet : undefined),
      thresholdBps: 6667,
    };
    const result = verifyEvidence(bls, read(parseEvidence(each.evidence)), context);
    expect(result.ok ? "valid" : result.code).toBe(each.expect);
  });

  const updates = readVectors<{
    readonly signedBy: unknown;
    readonly cases: readonly (Case & { readonly update: unknown })[];
  }>("set-updates");

  test.each(updates.cases)("set update: $name is $expect", (each) => {
    const signedBy = read(parseOperatorSet(updates.signedBy));
    const result = verifySetUpdate(bls, read(parseSetUpdate(each.update)), signedBy);
    expect(result.ok ? "valid" : result.code).toBe(each.expect);
  });
});
