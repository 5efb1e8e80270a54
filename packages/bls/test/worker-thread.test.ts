import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, it } from "vitest";
import { startWorkerThread } from "../src/worker-thread.ts";
import { PACKAGE_FOLDER } from "./vector-files.ts";

/** One valid and one invalid attestation through a verifier, in a process of its own. */
const PROGRAM = `
  import { createBatchVerifier, createNativeBls } from "@mach/bls";
  const bls = createNativeBls();
  const verifier = await createBatchVerifier();
  const secretKey = bls.generateSecretKey();
  const message = "0x" + "07".repeat(32);
  const publicKey = bls.publicKeyOf(secretKey);
  const signature = bls.sign(secretKey, message).uncompressed;
  const good = await verifier.verify({ message, publicKey, signature });
  const bad = await verifier.verify({ message: "0x" + "08".repeat(32), publicKey, signature });
  await verifier.close();
  console.log(JSON.stringify([import.meta.resolve("@mach/bls"), good.ok, bad.code]));
`;

function runProgram(nodeArguments: readonly string[]): [string, boolean, string] {
  const command = [...nodeArguments, "--input-type=module", "--eval", PROGRAM];
  return JSON.parse(execFileSync("node", command, { cwd: PACKAGE_FOLDER, encoding: "utf8" }));
}

describe("the thread's file", () => {
  beforeAll(() => {
    const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
    execFileSync("node", [join(typescript, "bin/tsc"), "--build"], { cwd: PACKAGE_FOLDER });
  });

  it("starts from the built package under plain node", () => {
    const [entry, good, bad] = runProgram([]);
    expect(entry).toMatch(/dist\/index\.js$/);
    expect([good, bad]).toEqual([true, "bad-signature"]);
  });

  it("starts from source under a TypeScript loader", () => {
    const [entry, good, bad] = runProgram(["--conditions=@mach/source", "--import", "tsx"]);
    expect(entry).toMatch(/src\/index\.ts$/);
    expect([good, bad]).toEqual([true, "bad-signature"]);
  });

  it("is worker-unavailable where it cannot be loaded, and leaves no thread", async () => {
    const worker = new Worker("throw new Error('no library')", { eval: true });
    await expect(startWorkerThread(worker)).rejects.toMatchObject({
      name: "BlsError",
      code: "worker-unavailable",
      cause: { message: "no library" },
    });
    expect(worker.threadId).toBe(-1);
  });
});
