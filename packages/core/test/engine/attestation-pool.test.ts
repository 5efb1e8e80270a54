import { expect, it } from "vitest";
import { admitAttestation, type Hex } from "../../src/index.ts";
import {
  attest,
  blockAt,
  claimAt,
  createTestNode,
  OPERATORS,
  operatorSetOf,
  parameters,
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
