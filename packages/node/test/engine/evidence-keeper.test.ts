import type { Evidence, Hex } from "@mach/core";
import { expect, it } from "vitest";
import { createEvidenceKeeper } from "../../src/engine/evidence-keeper.ts";
import { certify, claimAt, memoryStore, operatorAt, ROLLUP_ID, updateBy } from "./engine-node.ts";

const SIGNATURE: Hex = `0x${"11".repeat(96)}`;

/** What a keeper is handed was found valid: its signatures are not looked at again. */
function double(operator: Hex, blockNumber: bigint, branches = [0, 1] as const): Evidence {
  const [first, second] = branches.map((branch) => {
    const claim = { ...claimAt(1n, branch), blockNumber };
    return { claim, operator, signature: SIGNATURE };
  });
  if (first === undefined || second === undefined) throw new Error("no pair");
  return { kind: "double-attestation", rollupId: ROLLUP_ID, blockNumber, operator, first, second };
}

it("keeps a piece once, and a breach once, whichever signatures show it", async () => {
  const keeper = createEvidenceKeeper(memoryStore());
  const evidence = double(operatorAt(0), 1n);
  expect(keeper.isKnown(evidence)).toBe(false);
  expect(await keeper.keep(evidence)).toBe("kept");
  expect([keeper.isKnown(evidence), await keeper.keep(evidence)]).toEqual([true, "known"]);
  if (evidence.kind !== "double-attestation") throw new Error("unreachable");
  const { operator, rollupId, blockNumber, first: attestation } = evidence;
  const certificate = certify(claimAt(1n, 1), [0, 1, 2, 3]);
  const inAnotherWay: Evidence = {
    ...{ kind: "attestation-against-certificate", operator, rollupId, blockNumber },
    ...{ attestation, certificate },
  };
  expect(keeper.isKnown(inAnotherWay)).toBe(true);
  expect(await keeper.keep(double(operatorAt(1), 1n))).toBe("kept");
});

it("knows what the store kept in an earlier run", async () => {
  const store = memoryStore();
  const evidence = double(operatorAt(0), 1n);
  await createEvidenceKeeper(store).keep(evidence);
  expect(await createEvidenceKeeper(store).keep(evidence)).toBe("known");
});

it("keeps so much of one operator that others still find their place", async () => {
  const store = memoryStore();
  const keeper = createEvidenceKeeper(store);
  const kept: string[] = [];
  for (let number = 1n; number <= 300n; number += 1n) {
    kept.push(await keeper.keep(double(operatorAt(0), number)));
  }
  expect(kept.filter((each) => each === "kept")).toHaveLength(256);
  expect(keeper.isKnown(double(operatorAt(0), 301n))).toBe(true);
  expect(await keeper.keep(double(operatorAt(1), 301n))).toBe("kept");
});

it("counts what the store kept of an operator in earlier runs", async () => {
  const store = memoryStore();
  for (let number = 1n; number <= 256n; number += 1n) {
    await store.putEvidence(double(operatorAt(0), number));
  }
  const keeper = createEvidenceKeeper(store);
  await keeper.restore();
  expect(await keeper.keep(double(operatorAt(0), 300n))).toBe("known");
  expect(await keeper.keep(double(operatorAt(1), 300n))).toBe("kept");
});

it("counts a piece for its operator once, however often it comes", async () => {
  const store = memoryStore();
  // Each has forgotten what it saw, as the keeper itself does beyond its bound.
  for (let run = 0; run < 3; run++) {
    const keeper = createEvidenceKeeper(store);
    await keeper.restore();
    for (let number = 1n; number <= 200n; number += 1n) {
      await keeper.keep(double(operatorAt(0), number));
    }
    expect(keeper.isKnown(double(operatorAt(0), 201n))).toBe(false);
  }
});

it("keeps conflicting certificates of operators that have filled their share", async () => {
  const store = memoryStore();
  const keeper = createEvidenceKeeper(store);
  for (const operator of [1, 2, 3].map(operatorAt)) {
    for (let number = 1n; number <= 256n; number += 1n) await keeper.keep(double(operator, number));
    expect(keeper.isKnown(double(operator, 257n))).toBe(true);
  }
  const [lower, higher] = [certify(claimAt(1n), [1, 2, 3]), certify(claimAt(1n, 1), [1, 2, 3])];
  const operators = [1, 2, 3].map(operatorAt);
  const conflict: Evidence = {
    ...{ kind: "conflicting-certificates", rollupId: ROLLUP_ID, operators },
    ...{ lower, higher, headers: [] },
  };
  expect(keeper.isKnown(conflict)).toBe(false);
  expect(await keeper.keep(conflict)).toBe("kept");
});

it("says when the store is full", async () => {
  const store = memoryStore();
  store.putEvidence = async () => ({ ok: false, code: "evidence-full", evidenceId: "0x00" });
  expect(await createEvidenceKeeper(store).keep(double(operatorAt(0), 1n))).toBe("full");
});

it("keeps one false set update of each operator, however many signed the same hash", async () => {
  const store = memoryStore();
  const keeper = createEvidenceKeeper(store);
  const falseBy = (number: number, operatorSetHash: Hex): Evidence => ({
    kind: "false-set-update",
    operators: [`0x${number.toString(16).padStart(40, "0")}`],
    update: { ...updateBy([0], 1n), operatorSetHash },
    registryHash: updateBy([0], 1n).operatorSetHash,
  });
  const [first, second]: readonly Hex[] = [`0x${"e1".repeat(32)}`, `0x${"e2".repeat(32)}`];
  if (first === undefined || second === undefined) throw new Error("no hashes");
  for (let number = 1; number <= 20; number++) {
    expect(await keeper.keep(falseBy(number, first))).toBe("kept");
    expect(keeper.isKnown(falseBy(number, second))).toBe(true);
  }
  expect(await store.listEvidence({ limit: 100 })).toHaveLength(20);
});
