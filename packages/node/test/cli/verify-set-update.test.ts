import { describe, expect, it } from "vitest";
import certificates from "../../../../test/vectors/mach/certificates.json" with { type: "json" };
import vectors from "../../../../test/vectors/mach/set-updates.json" with { type: "json" };
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const [first] = vectors.cases;
if (first === undefined) throw new Error("the vectors are empty");
const update = folder.write("update.json", first.update);
const operatorSet = folder.write("signing-set.json", vectors.signedBy);
const { chainId, verifyingContract } = first.update.domain;

describe("mach verify, of a set update", () => {
  it.each(vectors.cases)("answers $expect for the vector: $name", async (vector) => {
    const file = folder.write("vector-update.json", { data: vector.update });
    const answer = await machJson("verify", file, "--operator-set", operatorSet);
    if (vector.expect === "valid") {
      expect(answer).toMatchObject({ exitCode: 0, valid: true });
    } else {
      expect(answer).toEqual({ exitCode: 1, valid: false, code: vector.expect });
    }
  });

  it("tells a person in a sentence, and what to compare on stderr", async () => {
    const run = await mach("verify", update, "--operator-set", operatorSet);
    expect(run.stdout).toMatch(/^valid: the operator set of epoch \d+ .*\n$/);
    expect(run.stderr).toContain(verifyingContract);
    expect(run.stderr).toContain(first.update.signedBy);
  });

  it("refuses that of another network than the caller names, and under another set", async () => {
    const args = ["verify", update, "--operator-set", operatorSet];
    const contract = ["--contract", verifyingContract];
    expect(await machJson(...args, "--chain-id", chainId, ...contract)).toMatchObject({
      valid: true,
    });
    expect(await machJson(...args, "--chain-id", "2", ...contract)).toMatchObject({
      ...{ exitCode: 1, code: "bad-signature" },
    });
    const another = certificates.find((each) => each.operatorSet.epoch !== vectors.signedBy.epoch);
    const other = folder.write("other.json", another?.operatorSet);
    expect(await machJson("verify", update, "--operator-set", other)).toMatchObject({
      ...{ exitCode: 1, code: "unknown-operator-set" },
    });
    const forged = { ...vectors.signedBy, totalWeight: "1" };
    const inconsistent = folder.write("inconsistent.json", forged);
    expect(await machJson("verify", update, "--operator-set", inconsistent)).toMatchObject({
      ...{ exitCode: 1, code: "unknown-operator-set" },
    });
  });
});
