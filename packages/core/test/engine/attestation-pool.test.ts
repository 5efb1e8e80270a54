import { expect, it } from "vitest";
import {
  admitAttestation,
  bitfieldIndices,
  buildOperatorSet,
  claimDigest,
  type Hex,
  type WireAttestation,
} from "../../src/index.ts";
import { xorBls, xorSign } from "../xor-bls.ts";
import {
  attest,
  blockAt,
  claimAt,
  createTestNode,
  domain,
  OPERATORS,
  operatorSetOf,
  parameters,
  type TestNode,
} from "./harness.ts";

const [first, second, third] = OPERATORS as [Hex, Hex, Hex];

it("a certificate stands on a sum before the last attestation in it was checked by itself", () => {
  const node = createTestNode();
  node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
  node.block(blockAt(1n));
  for (const operator of [first, second]) node.receive(attest(operator, claimAt(1n)));
  const admission = admitAttestation(node.state(), attest(third, claimAt(1n)));
  if (!admission.ok) throw new Error(admission.code);
  node.input({ type: "attestation-arrived", attestation: admission.attestation });
  expect(node.trace.certificates.map(({ signers }) => signers)).toEqual(["0x07"]);
});

it("a forged signature makes a sum fail, and what is attributed makes the certificate", () => {
  const node = createTestNode();
  node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
  node.block(blockAt(1n));
  for (const operator of [first, second]) node.receive(attest(operator, claimAt(1n)));
  const forged = { ...attest(third, claimAt(1n)), signature: new Uint8Array(96) };
  expect(node.receive(forged)).toBe("bad-signature");
  expect(node.trace.certificates).toEqual([]);
  expect(node.receive(attest(third, claimAt(1n)))).toBe("accepted");
  expect(node.trace.certificates.map(({ signers }) => signers)).toEqual(["0x07"]);
});

it("a certificate of many operators is summed a few times, and in the end names all", () => {
  const { node, attestations } = createLargeSet();
  for (const attestation of attestations) expect(node.receive(attestation)).toBe("accepted");
  const signers = node.trace.certificates.map((each) => bitfieldIndices(each.signers).length);
  expect(signers).toEqual([67, 84, 92, 96, 98, 99, 100]);
  expect(node.trace.sums).toHaveLength(signers.length);
});

it("what a certificate lacks little for is added at the next tick", () => {
  const { node, attestations } = createLargeSet();
  for (const attestation of attestations.slice(0, 70)) node.receive(attestation);
  expect(newestSigners(node)).toBe(67);
  node.tick(100);
  expect(newestSigners(node)).toBe(70);
  node.tick(200);
  expect(node.trace.certificates).toHaveLength(2);
});

it("what came just before its window ended is in the certificate that is gossiped", () => {
  const { node, attestations } = createLargeSet();
  for (const attestation of attestations.slice(0, 67)) node.receive(attestation);
  node.now = 1_999;
  for (const attestation of attestations.slice(67, 70)) node.receive(attestation);
  node.tick(2_000);
  expect(newestSigners(node)).toBe(70);
  node.tick(2_100);
  node.tick(20_000);
  expect(node.trace.gossiped.map((each) => bitfieldIndices(each.signers).length)).toEqual([70]);
  // The signers' own attestations are gone: the certificate is the record.
  expect(node.state().rollups.get(902n)?.heights.get(1n)?.pools.size).toBe(0);
});

it("a sum that is never answered does not keep a window open", () => {
  const { node, attestations } = createLargeSet();
  for (const attestation of attestations.slice(0, 70)) node.receive(attestation);
  const pools = node.state().rollups.get(902n)?.heights.get(1n)?.pools;
  for (const pool of pools?.values() ?? []) pool.isSumming = true;
  node.tick(2_500);
  expect(node.state().rollups.get(902n)?.certified.get(1n)?.openUntilMs).not.toBeNull();
  node.tick(3_000);
  expect(node.state().rollups.get(902n)?.certified.get(1n)?.openUntilMs).toBeNull();
});

function newestSigners(node: TestNode): number {
  return bitfieldIndices(node.trace.certificates.at(-1)?.signers ?? "0x").length;
}

/** A node and the attestations of a hundred operators of equal weight to one block. */
function createLargeSet(): { node: TestNode; attestations: readonly WireAttestation[] } {
  const operators = Array.from({ length: 100 }, (_, index) => {
    const number = (index + 1).toString(16).padStart(4, "0");
    const operator: Hex = `0x${number.repeat(10)}`;
    return { operator, publicKey: `0x${number.repeat(24)}` as Hex, weight: 10n };
  });
  const built = buildOperatorSet(xorBls, { epoch: 0n, operators });
  if (!built.ok) throw new Error(built.code);
  const node = createTestNode();
  node.input({ type: "set-known", operatorSet: built.operatorSet, rollups: [parameters] });
  node.block(blockAt(1n));
  const claim = claimAt(1n);
  const digest = claimDigest(domain, claim);
  const attestations = operators.map(({ operator, publicKey }) => {
    return { claim, operator, signature: xorSign(publicKey, digest) };
  });
  return { node, attestations };
}
