import type { Evidence } from "@mach/core";
import { expect, it } from "vitest";
import { checkEvidence, evidenceEpochs } from "../src/index.ts";
import { doubleAttestationBy } from "./double-attestation.ts";
import { bls, certify, chainTo, claimOf, NETWORK, setOf, updateInto } from "./signed-network.ts";

const EVIDENCE = doubleAttestationBy(2);
const options = { network: NETWORK, operatorSets: [setOf(3n)], bls };

it("finds what two signatures of one operator prove", () => {
  expect(checkEvidence(EVIDENCE, options)).toEqual({ ok: true, operators: [EVIDENCE.operator] });
});

it("proves nothing by signatures of others, for another network, or under another set", () => {
  const [, other] = setOf(3n).operators;
  const operator = other?.operator ?? "0x";
  const { first, second } = EVIDENCE;
  const framed = {
    ...{ ...EVIDENCE, operator },
    ...{ first: { ...first, operator }, second: { ...second, operator } },
  };
  expect(checkEvidence(framed, options)).toMatchObject({ ok: false, code: "bad-signature" });
  const elsewhere = { ...options, network: { ...NETWORK, chainId: 1n } };
  expect(checkEvidence(EVIDENCE, elsewhere).ok).toBe(false);
  const unknown = { ok: false, code: "unknown-operator-set" };
  expect(checkEvidence(EVIDENCE, { ...options, operatorSets: [setOf(2n)] })).toEqual(unknown);
  const changed = { ...setOf(3n), totalWeight: 1n };
  expect(checkEvidence(EVIDENCE, { ...options, operatorSets: [changed] })).toEqual(unknown);
});

it("names the epochs whose sets it takes, each once", () => {
  const [, , , , block] = chainTo(4);
  if (block === undefined) throw new Error("no block");
  const lower = certify(claimOf(block));
  const higher = certify(claimOf(block, { epoch: 4n }), { operatorSet: setOf(4n) });
  const { operator } = EVIDENCE;
  const pieces: readonly (readonly [Evidence, readonly bigint[]])[] = [
    [EVIDENCE, [3n]],
    [
      {
        kind: "conflicting-certificates",
        ...{ rollupId: 901n, operators: [operator], lower, higher, headers: [] },
      },
      [3n, 4n],
    ],
    [
      {
        kind: "false-set-update",
        ...{ operators: [operator], update: updateInto(setOf(4n), setOf(3n)) },
        registryHash: setOf(5n).operatorSetHash,
      },
      [3n, 4n],
    ],
  ];
  for (const [evidence, epochs] of pieces) expect(evidenceEpochs(evidence)).toEqual(epochs);
});
