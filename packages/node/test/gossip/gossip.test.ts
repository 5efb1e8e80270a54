import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attestationAt, certificateAt, evidenceAt, TestNetwork, until } from "./network.ts";

let network: TestNetwork;
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.close());

describe("gossip between two nodes", () => {
  it("carries an attestation, a certificate and evidence to the other", async () => {
    const [a, b] = await network.mesh(2);
    a?.gossip.publishAttestation(attestationAt(7n));
    a?.gossip.publishCertificate(certificateAt(7n));
    a?.gossip.publishEvidence(evidenceAt(7n));
    await until(() => b?.attestations.messages.length === 1 && b.evidence.length === 1);
    await until(() => b?.certificates.length === 1);
    expect(b?.attestations.messages).toEqual([[attestationAt(7n)]]);
    expect(b?.certificates).toEqual([certificateAt(7n)]);
    expect(b?.evidence).toEqual([evidenceAt(7n)]);
  });
});

describe("gossip among five nodes", () => {
  it("reaches every node from the publisher itself", async () => {
    const nodes = await network.mesh(5);
    const [publisher, ...others] = nodes;
    publisher?.gossip.publishAttestation(attestationAt(1n));
    await until(() => others.every((node) => node.attestations.messages.length > 0));
    const sources = others.map((node) => node.attestations.sources[0]?.peerId);
    expect(sources).toEqual(others.map(() => publisher?.gossip.peerId()));
    expect(others.map((node) => node.attestations.messages.length)).toEqual([1, 1, 1, 1]);
  });
});
