import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import vectors from "../../../test/vectors/mach/certificates.json" with { type: "json" };
import { documentFolder, mach } from "./cli/cli-runs.ts";

const folder = documentFolder();
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The real process, as `npm run --silent mach -- ARGS` starts it. */
function machProcess(...args: readonly string[]): unknown {
  const command = ["--conditions=@mach/source", "scripts/mach.mjs", ...args];
  const { status, stdout } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8" });
  return { status, answer: stdout === "" ? null : (JSON.parse(stdout) as unknown) };
}

function vectorArgs(expected: string): readonly string[] {
  const vector = vectors.find((each) => each.expect === expected);
  const certificate = folder.write(`${expected}.json`, vector?.certificate);
  const operatorSet = folder.write(`${expected}-set.json`, vector?.operatorSet);
  return ["verify", certificate, "--operator-set", operatorSet, "--json"];
}

describe("the mach process, from source and without a build", () => {
  it("answers yes with 0, no with 1 and wrong usage with 2", () => {
    expect(machProcess(...vectorArgs("valid"))).toMatchObject({
      status: 0,
      answer: { valid: true },
    });
    expect(machProcess(...vectorArgs("bad-signature"))).toEqual({
      status: 1,
      answer: { valid: false, code: "bad-signature" },
    });
    expect(machProcess("verify", "--json")).toMatchObject({
      status: 2,
      answer: { code: "wrong-usage" },
    });
  });
});

describe("mach", () => {
  it("lists its commands, and each says how it is used", async () => {
    const { exitCode, stdout } = await mach("--help");
    expect(exitCode).toBe(0);
    const names = ["run", "keys new", "claim", "verify", "evidence verify"];
    for (const name of names) {
      expect(stdout).toContain(`mach ${name} `);
      const help = await mach(...name.split(" "), "--help");
      expect(help.exitCode).toBe(0);
      expect(help.stdout).toContain(`mach ${name} `);
    }
  });

  it("calls an unknown command wrong usage, on stderr", async () => {
    const run = await mach("frobnicate");
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    expect(run.stderr).toContain("mach verify");
    expect((await mach()).exitCode).toBe(2);
  });

  it("names every wrong field of a configuration and exits with 2", async () => {
    const file = folder.write("node.yaml", "dataDir: d\nlogLevel: loud\n");
    const run = await mach("run", "--config", file);
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    for (const path of ["logLevel", "network", "l1", "rollups"]) {
      expect(run.stderr).toContain(`  ${path}: `);
    }
  });
});
