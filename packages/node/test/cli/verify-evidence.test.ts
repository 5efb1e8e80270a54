import { describe, expect, it } from "vitest";
import vectors from "../../../../test/vectors/mach/evidence.json" with { type: "json" };
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const operatorSet = folder.write("set.json", vectors.operatorSet);
const { chainId, verifyingContract } = vectors.domain;
const network = ["--chain-id", chainId, "--contract", verifyingContract];
const [first] = vectors.cases;
if (first === undefined) throw new Error("the vectors are empty");
const evidence = folder.write("evidence.json", first.evidence);

describe("mach evidence verify", () => {
  it.each(vectors.cases)("answers $expect for the vector: $name", async (vector) => {
    const file = folder.write("vector.json", vector.evidence);
    const args = ["evidence", "verify", file, "--operator-set", operatorSet, ...network];
    const answer = await machJson(...args);
    if (vector.expect === "valid") {
      expect(answer).toMatchObject({ exitCode: 0, valid: true, kind: vector.evidence.kind });
    } else {
      expect(answer).toEqual({ exitCode: 1, valid: false, code: vector.expect });
    }
  });

  it("tells a person who is guilty", async () => {
    const run = await mach(
      ...["evidence", "verify", evidence, "--operator-set", operatorSet, ...network],
    );
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain(first.evidence.operator);
  });

  it("refuses the evidence of another network, and under a forged operator set", async () => {
    const args = ["evidence", "verify", evidence, "--operator-set"];
    const other = ["--chain-id", "1", "--contract", verifyingContract];
    expect(await machJson(...args, operatorSet, ...other)).toEqual({
      exitCode: 1,
      valid: false,
      code: "bad-signature",
    });
    const forged = folder.write("forged.json", { ...vectors.operatorSet, totalWeight: "1" });
    expect(await machJson(...args, forged, ...network)).toEqual({
      exitCode: 1,
      valid: false,
      code: "unknown-operator-set",
    });
  });

  it("answers malformed for a readable file that is no evidence", async () => {
    for (const content of [{}, [], "no JSON", { kind: "rumour" }]) {
      const file = folder.write("junk.json", content);
      expect(
        await machJson("evidence", "verify", file, "--operator-set", operatorSet, ...network),
      ).toEqual({ exitCode: 1, valid: false, code: "malformed" });
    }
  });

  it.each([
    ["no network", [evidence, "--operator-set", operatorSet]],
    ["half a network", [evidence, "--operator-set", operatorSet, "--chain-id", "1"]],
    ["no operator set", [evidence, ...network]],
    ["a missing file", ["nowhere.json", "--operator-set", operatorSet, ...network]],
  ])("calls it wrong usage: %s", async (_name, args) => {
    expect(await machJson("evidence", "verify", ...args)).toMatchObject({ exitCode: 2 });
  });
});
