import { describe, expect, it } from "vitest";
import {
  type Attestation,
  type Certificate,
  type Claim,
  claimDigest,
  type Evidence,
  type EvidenceContext,
  type Hex,
  toHex,
  verifyEvidence,
} from "../src/index.ts";
import {
  attest,
  blockAt,
  certify,
  claimAt,
  domain,
  OPERATORS,
  operatorSetOf,
  ROLLUP_ID,
} from "./engine/harness.ts";
import { OTHER, signedBy } from "./engine/set-update-node.ts";
import { xorBls } from "./xor-bls.ts";

const context: EvidenceContext = { domain, operatorSet: operatorSetOf, thresholdBps: 6667 };
const [FIRST, SECOND] = OPERATORS as readonly [Hex, Hex];
const QUORUM = [0, 1, 2];

function outcome(evidence: Evidence): string {
  const result = verifyEvidence(xorBls, evidence, context);
  return result.ok ? result.operators.join() : result.code;
}

function attestation(operator: Hex, claim: Claim): Attestation {
  return { claim, operator, signature: toHex(attest(operator, claim).signature) };
}

function double(one: Claim, other: Claim): Evidence {
  const [lower, higher] = [one, other].sort((a, b) =>
    claimDigest(domain, a) < claimDigest(domain, b) ? -1 : 1,
  ) as [Claim, Claim];
  const { rollupId, blockNumber } = one;
  const first = attestation(FIRST, lower);
  const second = attestation(FIRST, higher);
  return { kind: "double-attestation", rollupId, blockNumber, operator: FIRST, first, second };
}

function conflict(lower: Claim, higher: Claim, headers: readonly Hex[]): Evidence {
  const operators = OPERATORS.slice(0, 3);
  const certificates = { lower: certify(lower, QUORUM), higher: certify(higher, QUORUM) };
  return {
    kind: "conflicting-certificates",
    rollupId: ROLLUP_ID,
    operators,
    ...certificates,
    headers,
  };
}

/** The headers of a branch from the higher block down to just above the lower, newest first. */
function headersDown(from: bigint, above: bigint, branch = 0): readonly Hex[] {
  const headers: Hex[] = [];
  for (let at = from; at > above; at--) headers.push(blockAt(at, branch).headerRlp);
  return headers;
}

describe("what honest operators do is never evidence", () => {
  it("one claim signed twice", () => {
    expect(outcome(double(claimAt(5n), claimAt(5n)))).toBe("not-conflicting");
  });

  it("claims at two heights", () => {
    expect(outcome(double(claimAt(5n), claimAt(6n)))).toBe("not-conflicting");
  });

  it("an attestation to the claim that was certified", () => {
    const certificate: Certificate = certify(claimAt(5n), QUORUM);
    expect(
      outcome({
        kind: "attestation-against-certificate",
        rollupId: ROLLUP_ID,
        blockNumber: 5n,
        operator: FIRST,
        attestation: attestation(FIRST, claimAt(5n)),
        certificate,
      }),
    ).toBe("not-conflicting");
  });

  it("certificates of one chain, whose headers lead from the one down to the other", () => {
    const headers = headersDown(8n, 5n);
    expect(outcome(conflict(claimAt(5n), claimAt(8n), headers))).toBe("not-conflicting");
    expect(outcome(conflict(claimAt(5n), claimAt(6n), headersDown(6n, 5n)))).toBe(
      "not-conflicting",
    );
  });

  it("certificates of one chain under headers that leave out some or belong to another", () => {
    for (const headers of [
      [],
      headersDown(8n, 6n),
      headersDown(8n, 4n),
      headersDown(8n, 5n, 1),
      [...headersDown(8n, 6n), blockAt(6n, 1).headerRlp],
      [...headersDown(8n, 6n), "0x" as Hex],
    ]) {
      expect(outcome(conflict(claimAt(5n), claimAt(8n), headers))).toBe("broken-header-chain");
    }
  });

  it("a certificate shown twice", () => {
    expect(outcome(conflict(claimAt(5n), claimAt(5n), []))).toBe("not-conflicting");
  });

  it("the hash that the registry has, signed", () => {
    const update = signedBy([0]);
    const registryHash = operatorSetOf(1n).operatorSetHash;
    const evidence = { kind: "false-set-update", update, registryHash } as const;
    expect(outcome({ ...evidence, operators: [FIRST] })).toBe("not-conflicting");
  });

  it("what somebody else signed", () => {
    const registryHash = operatorSetOf(1n).operatorSetHash;
    const update = signedBy([1], 1n, OTHER);
    const evidence = { kind: "false-set-update", update, registryHash } as const;
    expect(outcome({ ...evidence, operators: [FIRST] })).toBe("not-a-signer");
    expect(outcome({ ...evidence, operators: [] })).toBe("malformed");
    expect(outcome({ ...evidence, operators: [SECOND] })).toBe(SECOND);
  });
});

describe("a breach is evidence", () => {
  it("two claims at one height", () => {
    expect(outcome(double(claimAt(5n), claimAt(5n, 1)))).toBe(FIRST);
  });

  it("certificates of two branches", () => {
    const evidence = conflict(claimAt(5n, 1), claimAt(8n), headersDown(8n, 5n));
    expect(outcome(evidence)).toBe(OPERATORS.slice(0, 3).join());
  });
});
