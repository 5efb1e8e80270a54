import { describe, expect, it } from "vitest";
import vectors from "../../../../test/vectors/mach/certificates.json" with { type: "json" };
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const first = vectors[0];
if (first === undefined) throw new Error("the vectors are empty");
const certificate = folder.write("cert.json", first.certificate);
const operatorSet = folder.write("set.json", first.operatorSet);
const { chainId, verifyingContract } = first.certificate.domain;

describe("mach verify", () => {
  it.each(vectors)("answers $expect for the vector: $name", async (vector) => {
    const answer = await machJson(
      "verify",
      folder.write("vector-cert.json", vector.certificate),
      "--operator-set",
      folder.write("vector-set.json", vector.operatorSet),
      "--threshold-bps",
      String(vector.thresholdBps),
    );
    if (vector.expect === "valid") {
      expect(answer).toMatchObject({ exitCode: 0, valid: true });
    } else {
      expect(answer).toEqual({ exitCode: 1, valid: false, code: vector.expect });
    }
  });

  it("names the weights and the signers of a valid certificate", async () => {
    expect(await machJson("verify", certificate, "--operator-set", operatorSet)).toEqual({
      exitCode: 0,
      valid: true,
      signedWeight: first.operatorSet.totalWeight,
      totalWeight: first.operatorSet.totalWeight,
      signers: [first.operatorSet.operators[0]?.operator],
    });
  });

  it("tells a person in a sentence, and the network to compare on stderr", async () => {
    const run = await mach("verify", certificate, "--operator-set", operatorSet);
    expect(run.stdout).toMatch(/^valid: block \d+ of rollup \d+ .*\n$/);
    expect(run.stderr).toContain(verifyingContract);
    const refused = folder.write("refused.json", {
      ...first.certificate,
      claim: { ...first.certificate.claim, epoch: "1" },
    });
    const other = await mach("verify", refused, "--operator-set", operatorSet);
    expect(other).toMatchObject({ exitCode: 1, stderr: "" });
    expect(other.stdout).toMatch(/^not valid \(malformed\): /);
  });

  it("refuses the certificate of another network than the caller names", async () => {
    const args = ["verify", certificate, "--operator-set", operatorSet];
    const own = ["--chain-id", chainId, "--contract", verifyingContract.toUpperCase().slice(2)];
    expect(await machJson(...args, ...own.slice(0, 3), `0x${own[3]}`)).toMatchObject({
      valid: true,
    });
    expect(await machJson(...args, "--chain-id", "1", "--contract", verifyingContract)).toEqual({
      exitCode: 1,
      valid: false,
      code: "bad-signature",
    });
  });

  it("finds the right one among several operator sets, in the API's envelope too", async () => {
    const other = vectors.find((each) => each.operatorSet.epoch !== first.operatorSet.epoch);
    const answer = await machJson(
      "verify",
      folder.write("enveloped.json", { data: first.certificate }),
      "--operator-set",
      folder.write("other-set.json", other?.operatorSet),
      "--operator-set",
      folder.write("enveloped-set.json", { data: first.operatorSet }),
    );
    expect(answer).toMatchObject({ exitCode: 0, valid: true });
  });

  it("does not take an operator set at its word", async () => {
    const { operators, ...rest } = first.operatorSet;
    const forged = [
      { ...rest, operators, totalWeight: "1" },
      { ...rest, operators: operators.map((each) => ({ ...each, weight: "1" })) },
      { ...rest, operators: [] },
      { operators: "none" },
      null,
    ];
    for (const set of forged) {
      const file = folder.write("forged.json", set);
      expect(await machJson("verify", certificate, "--operator-set", file)).toEqual({
        exitCode: 1,
        valid: false,
        code: "unknown-operator-set",
      });
    }
  });

  it("answers malformed for a readable file that is no certificate", async () => {
    for (const content of ["{}", "[]", "null", "7", "no JSON", "", '{"data":null}']) {
      const file = folder.write("junk.json", content);
      expect(await machJson("verify", file, "--operator-set", operatorSet)).toEqual({
        exitCode: 1,
        valid: false,
        code: "malformed",
      });
    }
  });

  it.each([
    ["no certificate", ["--operator-set", operatorSet]],
    ["two certificates", [certificate, certificate, "--operator-set", operatorSet]],
    ["no operator set", [certificate]],
    ["a missing file", ["nowhere.json", "--operator-set", operatorSet]],
    ["a missing operator set", [certificate, "--operator-set", "nowhere.json"]],
    ["a folder", [folder.path, "--operator-set", operatorSet]],
    ["a threshold below", [certificate, "--operator-set", operatorSet, "--threshold-bps", "6666"]],
    ["a threshold above", [certificate, "--operator-set", operatorSet, "--threshold-bps", "10001"]],
    ["no number", [certificate, "--operator-set", operatorSet, "--threshold-bps", "0x1b58"]],
    ["a chain id alone", [certificate, "--operator-set", operatorSet, "--chain-id", "1"]],
    ["an unknown option", [certificate, "--operator-set", operatorSet, "--trust-me"]],
  ])("calls it wrong usage: %s", async (_name, args) => {
    expect(await machJson("verify", ...args)).toMatchObject({
      exitCode: 2,
      code: "wrong-usage",
    });
  });
});
