import { type Certificate, claimDigest, type Evidence } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { Announcement } from "../../src/engine/ports.ts";
import {
  attest,
  certifiedIds,
  certify,
  claimAt,
  createEngineNode,
  doubleAttestation,
  type EngineNode,
  memoryStore,
  operatorAt,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();

function ready(): EngineNode {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n, 1n);
  node.block(1n);
  return node;
}

const claim = claimAt(1n);
const middling = certify(claim, [1, 2, 3]);
const best = certify(claim, [0, 1, 2, 3]);

function announcedIds(node: EngineNode): readonly string[] {
  return node.announced.flatMap((each) =>
    each.type === "certificate" ? [each.certificate.certificateId] : [],
  );
}

function ofType<Type extends Announcement["type"]>(node: EngineNode, type: Type) {
  return node.announced.filter((each) => each.type === type);
}

describe("a certificate from a peer", () => {
  it("is stored before it is announced", async () => {
    const order: string[] = [];
    const store = memoryStore();
    const { putCertificate } = store;
    store.putCertificate = async (certificate) => {
      const result = await putCertificate.call(store, certificate);
      order.push("stored");
      return result;
    };
    const node = createEngineNode({ verifier: verifier(), store });
    node.announced.push = (...items) => {
      order.push(...items.map((each) => each.type));
      return items.length;
    };
    node.learn(0n);
    node.block(1n);
    expect(await node.shell.receiveCertificate(middling)).toEqual({ accept: true });
    await node.shell.settle();
    expect(order).toEqual(["stored", "certificate"]);
  });

  it("that is held already is accepted without being checked or stored again", async () => {
    const node = ready();
    await node.shell.receiveCertificate(middling);
    expect(await node.shell.receiveCertificate({ ...middling })).toEqual({ accept: true });
    await node.shell.settle();
    expect(announcedIds(node)).toEqual([middling.certificateId]);
  });

  it("with more weight takes the place of the one held", async () => {
    const node = ready();
    await node.shell.receiveCertificate(middling);
    expect(await node.shell.receiveCertificate(best)).toEqual({ accept: true });
    await node.shell.settle();
    expect(certifiedIds(node)).toEqual({ "1": best.certificateId });
    expect(announcedIds(node)).toEqual([middling.certificateId, best.certificateId]);
    expect(await node.store.certificateAt(ROLLUP_ID, 1n)).toEqual(best);
  });

  it("that is not better is neither checked, nor blamed, nor forwarded", async () => {
    const node = ready();
    await node.shell.receiveCertificate(best);
    const worse = { ...middling, signature: best.signature };
    const verdict = await node.shell.receiveCertificate(worse);
    expect(verdict).toEqual({ accept: false, code: "not-better", blame: false });
    expect(certifiedIds(node)).toEqual({ "1": best.certificateId });
  });

  it.each<[string, Certificate, string, boolean]>([
    [
      "with the id of the one held and another signature",
      { ...best, signature: middling.signature },
      "bad-signature",
      true,
    ],
    [
      "of another network",
      { ...best, domain: { ...best.domain, chainId: 1n } },
      "wrong-domain",
      true,
    ],
    ["of another rollup", { ...best, claim: { ...claim, rollupId: 7n } }, "unknown-rollup", false],
    ["of an epoch without a set here", certifyUnknown(), "unknown-operator-set", false],
    [
      "of an epoch that is not its timestamp's",
      certify({ ...claim, epoch: 1n }, [0, 1, 2, 3]),
      "epoch-mismatch",
      true,
    ],
    [
      "of a level that nobody attests",
      certify({ ...claim, verification: 2 }, [0, 1, 2, 3]),
      "not-attested",
      true,
    ],
    [
      "with another id",
      { ...best, certificateId: middling.certificateId, signers: "0x0f" },
      "malformed",
      true,
    ],
    ["with an unused bit", { ...best, signers: "0x1f" }, "malformed", true],
    [
      "of another set",
      {
        ...certify(claimAt(2n), [0, 1, 2, 3]),
        operatorSetHash: certify(claimAt(60n), [0]).operatorSetHash,
      },
      "malformed",
      true,
    ],
    ["below the threshold", certify(claimAt(2n), [0, 1]), "below-threshold", true],
    [
      "with a signature of others",
      { ...certify(claimAt(2n), [0, 1, 2, 3]), signature: best.signature },
      "bad-signature",
      true,
    ],
  ])("%s is refused", async (_, certificate, code, blame) => {
    const node = ready();
    await node.shell.receiveCertificate(best);
    const verdict = await node.shell.receiveCertificate(certificate);
    expect(verdict).toEqual({ accept: false, code, blame });
    expect(certifiedIds(node)).toEqual({ "1": best.certificateId });
  });

  it("for another claim at a height that memory has left is found in the store", async () => {
    const node = ready();
    await node.shell.receiveCertificate(best);
    for (let number = 2n; number <= 70n; number += 1n) node.block(number);
    expect(certifiedIds(node)).toEqual({ "1": best.certificateId });
    await node.shell.receiveCertificate(certify(claimAt(70n), [0, 1, 2, 3]));
    node.block(71n);
    await node.shell.settle();
    expect(Object.keys(certifiedIds(node))).toEqual(["70"]);
    await node.shell.receiveCertificate(certify(claimAt(1n, 1), [0, 1, 2, 3]));
    await node.shell.settle();
    expect(ofType(node, "contradiction")).toMatchObject([
      { contradiction: { fromBlockNumber: 1n, throughBlockNumber: 1n } },
    ]);
  });
});

describe("a certificate for a height that memory has left", () => {
  async function moved(): Promise<EngineNode> {
    const node = ready();
    await node.shell.receiveCertificate(middling);
    await node.shell.receiveCertificate(certify(claimAt(70n), [0, 1, 2, 3]));
    for (let number = 2n; number <= 70n; number += 1n) node.block(number);
    await node.shell.settle();
    expect(Object.keys(certifiedIds(node))).toEqual(["70"]);
    node.announced.length = 0;
    return node;
  }

  it("and that is kept is neither checked, nor announced, nor forwarded again", async () => {
    const node = await moved();
    const stale = { accept: false, code: "stale", blame: false };
    const forged = { ...middling, signature: best.signature };
    for (const each of [middling, best, forged]) {
      expect(await node.shell.receiveCertificate(each)).toEqual(stale);
    }
    await node.shell.settle();
    expect(node.announced).toEqual([]);
  });

  it("and that is not kept is taken once", async () => {
    const node = await moved();
    const second = certify(claimAt(2n), [1, 2, 3]);
    expect(await node.shell.receiveCertificate(second)).toEqual({ accept: true });
    await node.shell.settle();
    node.block(71n);
    const stale = { accept: false, code: "stale", blame: false };
    expect(await node.shell.receiveCertificate(second)).toEqual(stale);
    expect(await node.store.certificateAt(ROLLUP_ID, 2n)).toEqual(second);
  });

  it("ends the engine where the store cannot be read", async () => {
    const node = await moved();
    const failure = new Error("damaged");
    node.store.certificateAt = async () => {
      throw failure;
    };
    const failed = { accept: false, code: "engine-failed", blame: false };
    expect(await node.shell.receiveCertificate(middling)).toEqual(failed);
    expect(node.fatal).toEqual([failure]);
  });
});

function certifyUnknown(): Certificate {
  return certify({ ...claim, timestamp: 1_120n, epoch: 2n }, [0, 1, 2, 3]);
}

describe("evidence", () => {
  it("that is found here is kept once and gossiped once", async () => {
    const node = ready();
    for (const branch of [0, 1]) {
      await node.shell.receiveAttestations([attest(0, claimAt(1n, branch))]);
    }
    await node.shell.receiveAttestations([attest(0, claimAt(1n, 2))]);
    await node.shell.settle();
    expect(node.evidence).toEqual([doubleAttestation(0, 1n)]);
    expect(ofType(node, "evidence")).toHaveLength(1);
    const again = await node.shell.receiveEvidence(doubleAttestation(0, 1n));
    expect(again).toEqual({ accept: false, code: "duplicate", blame: false });
    expect(await node.store.listEvidence({ limit: 10 })).toHaveLength(1);
  });

  it("from a stranger is checked, kept, and left to gossip to forward", async () => {
    const node = ready();
    const evidence = doubleAttestation(2, 1n);
    expect(await node.shell.receiveEvidence(evidence)).toEqual({ accept: true });
    expect(node.evidence).toEqual([]);
    expect(ofType(node, "evidence")).toEqual([{ type: "evidence", evidence }]);
  });

  it.each<[string, Partial<Extract<Evidence, { kind: "double-attestation" }>>, string]>([
    ["names another operator", { operator: operatorAt(1) }, "malformed"],
    ["shows one claim twice", { second: shown().first }, "not-conflicting"],
    [
      "shows a signature of others",
      { second: { ...shown().second, signature: shown().first.signature } },
      "bad-signature",
    ],
  ])("that %s is its sender's fault", async (_, change, code) => {
    const node = ready();
    const evidence = { ...shown(), ...change };
    const verdict = await node.shell.receiveEvidence(evidence);
    expect(verdict).toEqual({ accept: false, code, blame: true });
    expect(await node.store.listEvidence({ limit: 10 })).toEqual([]);
  });

  it("of an epoch without a set here is nobody's fault", async () => {
    const verdict = await ready().shell.receiveEvidence(doubleAttestation(0, 200n));
    expect(verdict).toEqual({ accept: false, code: "unknown-operator-set", blame: false });
  });

  it("of one breach is kept in one way, however many there are", async () => {
    const node = ready();
    const pair = {
      lower: certify(claimAt(5n), [1, 2, 3]),
      higher: certify(claimAt(5n, 1), [1, 2, 3]),
    };
    for (const operators of [[1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]]) {
      await node.shell.receiveEvidence(conflict(pair, operators.map(operatorAt)));
    }
    for (const signers of [
      [0, 1, 3],
      [0, 2, 3],
      [0, 1, 2, 3],
    ]) {
      const lower = certify(claimAt(5n), signers);
      await node.shell.receiveEvidence(conflict({ ...pair, lower }, [operatorAt(3)]));
    }
    expect((await node.store.listEvidence({ limit: 100 })).length).toBeLessThanOrEqual(8);
  });

  it("that certificates conflict stops fast finality here too", async () => {
    const node = ready();
    const held = certify(claimAt(1n), [0, 1, 2, 3]);
    await node.shell.receiveCertificate(held);
    const other = certify(claimAt(1n, 1), [1, 2, 3]);
    const evidence = conflict({ lower: held, higher: other }, [1, 2, 3].map(operatorAt));
    expect(await node.shell.receiveEvidence(evidence)).toEqual({ accept: true });
    await node.shell.settle();
    expect(node.shell.state().rollups.get(ROLLUP_ID)?.newest).toBeNull();
    expect(ofType(node, "contradiction")).toHaveLength(1);
    expect(ofType(node, "evidence")).toHaveLength(1);
    expect(announcedIds(node)).toEqual([held.certificateId]);
  });

  it("that certificates conflict stops fast finality also where it cannot be kept", async () => {
    const store = memoryStore();
    store.putEvidence = async () => ({ ok: false, code: "evidence-full", evidenceId: "0x00" });
    const node = createEngineNode({ verifier: verifier(), store });
    node.learn(0n);
    node.block(1n);
    const pair = { lower: certify(claim, [1, 2, 3]), higher: certify(claimAt(1n, 1), [1, 2, 3]) };
    await node.shell.receiveCertificate(pair.lower);
    expect(node.shell.state().rollups.get(ROLLUP_ID)?.newest).not.toBeNull();
    const evidence = conflict(pair, [1, 2, 3].map(operatorAt));
    expect(await node.shell.receiveEvidence(evidence)).toEqual({ accept: true });
    expect(node.shell.state().rollups.get(ROLLUP_ID)?.newest).toBeNull();
  });

  it("beyond the store's bound is said not to be kept", async () => {
    const store = memoryStore();
    store.putEvidence = async () => ({ ok: false, code: "evidence-full", evidenceId: "0x00" });
    const node = createEngineNode({ verifier: verifier(), store });
    node.learn(0n);
    await node.shell.receiveEvidence(doubleAttestation(0, 1n));
    expect(node.announced.map((each) => each.type)).toEqual(["evidence-full"]);
  });
});

function shown(): Extract<Evidence, { kind: "double-attestation" }> {
  const evidence = doubleAttestation(0, 1n);
  if (evidence.kind !== "double-attestation") throw new Error("unreachable");
  return evidence;
}

/** The two in the order of their digests, which their ids stand for as little as anything else. */
function conflict(
  pair: { readonly lower: Certificate; readonly higher: Certificate },
  operators: Extract<Evidence, { kind: "conflicting-certificates" }>["operators"],
): Evidence {
  const [lower, higher] = [pair.lower, pair.higher].sort((a, b) =>
    digestOf(a) < digestOf(b) ? -1 : 1,
  );
  if (lower === undefined || higher === undefined) throw new Error("unreachable");
  const base = { kind: "conflicting-certificates", rollupId: ROLLUP_ID, headers: [] } as const;
  return { ...base, operators, lower, higher };
}

describe("what cannot be persisted", () => {
  const failure = new Error("no space left on device");
  const fails = async (): Promise<never> => {
    throw failure;
  };

  it("a certificate ends the engine, loudly and once", async () => {
    const store = memoryStore();
    store.putCertificate = fails;
    const node = createEngineNode({ verifier: verifier(), store });
    node.learn(0n);
    node.block(1n);
    await node.shell.receiveCertificate(best);
    await node.shell.settle();
    expect(node.fatal).toEqual([failure]);
    expect(announcedIds(node)).toEqual([]);
    const failed = { accept: false, code: "engine-failed", blame: false };
    expect(await node.shell.receiveCertificate(middling)).toEqual(failed);
    expect(await node.shell.receiveAttestations([attest(0, claim)])).toEqual(failed);
    expect(await node.shell.receiveEvidence(doubleAttestation(0, 1n))).toEqual(failed);
    node.block(2n);
    expect(node.shell.state().rollups.get(ROLLUP_ID)?.tip?.blockNumber).toBe(1n);
    expect(node.fatal).toEqual([failure]);
  });

  it("evidence that a peer sent is no fault of the peer, and ends the engine", async () => {
    const store = memoryStore();
    store.putEvidence = fails;
    const node = createEngineNode({ verifier: verifier(), store });
    node.learn(0n);
    const verdict = await node.shell.receiveEvidence(doubleAttestation(0, 1n));
    expect(verdict).toEqual({ accept: false, code: "engine-failed", blame: false });
    expect(node.fatal).toEqual([failure]);
  });

  it("a contradiction ends the engine", async () => {
    const store = memoryStore();
    store.putContradiction = fails;
    const node = createEngineNode({ verifier: verifier(), store });
    node.learn(0n);
    await node.shell.receiveCertificate(best);
    await node.shell.receiveCertificate(certify(claimAt(1n, 1), [0, 1, 2, 3]));
    await node.shell.settle();
    expect(node.fatal).toEqual([failure]);
  });

  it("an announcement that fails ends the engine instead of leaving it half told", async () => {
    const node = createEngineNode({ verifier: verifier() });
    node.announced.push = () => {
      throw failure;
    };
    node.learn(0n);
    await node.shell.receiveCertificate(best);
    await node.shell.settle();
    expect(node.fatal).toEqual([failure]);
  });
});

function digestOf({ claim: each, domain }: Certificate): string {
  return claimDigest(domain, each);
}
