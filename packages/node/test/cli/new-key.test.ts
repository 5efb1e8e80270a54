import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { fromHex } from "@mach/core";
import { expect, it } from "vitest";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();

it("writes a key that only its owner can read, and prints its public key", async () => {
  const file = join(folder.path, "bls.key");
  const run = await mach("keys", "new", "--out", file);
  const bls = createNativeBls();
  const secretKey = bls.secretKeyFromBytes(fromHex(readFileSync(file, "utf8").trim()));
  expect(secretKey).not.toBeNull();
  expect(run).toEqual({
    exitCode: 0,
    stdout: `${secretKey && bls.publicKeyOf(secretKey)}\n`,
    stderr: "",
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("never overwrites a file", async () => {
  const file = folder.write("precious", "kept");
  expect(await machJson("keys", "new", "--out", file)).toEqual({
    exitCode: 1,
    code: "file-exists",
    file,
  });
  expect(readFileSync(file, "utf8")).toBe("kept");
});

it("calls a missing --out and a folder that does not exist wrong usage", async () => {
  expect(await machJson("keys", "new")).toMatchObject({ exitCode: 2 });
  const nowhere = join(folder.path, "no", "where");
  expect(await machJson("keys", "new", "--out", nowhere)).toMatchObject({ exitCode: 2 });
});
