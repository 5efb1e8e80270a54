import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { applyEdit, editsOf } from "../scripts/simulation/mutation.ts";
import { MUTATIONS } from "../scripts/simulation/mutations.ts";
import { parseSeedOptions } from "../scripts/simulation/seed-options.ts";

const PACKAGES = fileURLToPath(new URL("../packages", import.meta.url));

describe("the deliberate breaks", () => {
  it("are at least twenty, each of another name", () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(20);
  });

  it.each(MUTATIONS)("$name: its text is in the code once", (mutation) => {
    for (const edit of editsOf(mutation)) {
      const source = readFileSync(`${PACKAGES}/${edit.file}`, "utf8");
      expect(applyEdit(source, edit)).not.toBe(source);
    }
  });

  it("fail loudly where the text is gone, or is there twice", () => {
    const [mutation] = MUTATIONS;
    if (mutation === undefined) throw new Error("there is no mutation");
    expect(() => applyEdit("other code", mutation)).toThrow("0 places");
    expect(() => applyEdit(`${mutation.text}${mutation.text}`, mutation)).toThrow("2 places");
  });
});

describe("the command line of the simulation", () => {
  it("runs a hundred seeds from 1 on, unless it is told otherwise", () => {
    expect(parseSeedOptions([])).toEqual({
      ok: true,
      options: { from: 1, seeds: 100, isReplay: false, without: [], workers: 2 },
    });
    const args = ["--seeds", "7", "--from", "30", "--without", "crash,loss"];
    expect(parseSeedOptions(args)).toMatchObject({
      options: { from: 30, seeds: 7, without: ["crash", "loss"] },
    });
    expect(parseSeedOptions(["--seed", "42"])).toMatchObject({
      options: { from: 42, seeds: 1, isReplay: true },
    });
  });

  it.each([
    ["--sedes", "1"],
    ["--seeds", "0"],
    ["--seeds", "many"],
    ["--seed", "-1"],
    ["--without", "nothing"],
    ["--workers", "0"],
  ])("refuses %s %s", (name, value) => {
    expect(parseSeedOptions([name, value]).ok).toBe(false);
  });
});
