import { createHash, generateKeyPairSync, sign } from "node:crypto";
import type { ExecResult, PrecompileFunc } from "@ethereumjs/evm";
import { p256 } from "@noble/curves/nist.js";
import { describe, expect, it } from "vitest";
import { precompilesOf } from "../src/precompiles.ts";
import { OP_FORKS, type OpFork, rulesAt } from "../src/rules.ts";

function precompile(opFork: OpFork, address: number): PrecompileFunc | undefined {
  const forks = OP_FORKS.slice(0, OP_FORKS.indexOf(opFork) + 1).map((name) => {
    return { name, timestamp: 0n };
  });
  const baseFee = { denominator: 250n, elasticity: 6n };
  const rules = rulesAt({ profile: "op", chainId: 10n, forks, baseFee }, 1n);
  if (rules === null) throw new Error("no rules");
  const found = precompilesOf(rules).find((each) => BigInt(`${each.address}`) === BigInt(address));
  return found !== undefined && "function" in found ? found.function : undefined;
}

function run(opFork: OpFork, address: number, data: Uint8Array, gasLimit = 10n ** 9n): ExecResult {
  const found = precompile(opFork, address);
  if (found === undefined) throw new Error("no precompile");
  return found({ data, gasLimit } as never) as ExecResult;
}

function signedInput(): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const message = new TextEncoder().encode("mach");
  const signature = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const key = [x, y].map((part) => Buffer.from(part, "base64url"));
  return Uint8Array.from(
    Buffer.concat([createHash("sha256").update(message).digest(), signature, ...key]),
  );
}

describe("the precompile for P-256", () => {
  it("is there from Fjord on", () => {
    expect(precompile("ecotone", 0x100)).toBeUndefined();
    expect(precompile("fjord", 0x100)).toBeDefined();
  });

  it("gives one for a signature of Node's, and nothing for any other", () => {
    const input = signedInput();
    const right = run("fjord", 0x100, input);
    expect(right.executionGasUsed).toBe(3450n);
    expect(Buffer.from(right.returnValue).toString("hex")).toBe("01".padStart(64, "0"));
    for (let at = 0; at < 160; at += 7) {
      const altered = Uint8Array.from(input);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(run("fjord", 0x100, altered).returnValue).toHaveLength(0);
    }
    expect(run("fjord", 0x100, input.subarray(1)).returnValue).toHaveLength(0);
    expect(run("fjord", 0x100, new Uint8Array(160)).returnValue).toHaveLength(0);
  });

  it("takes any s", () => {
    const input = signedInput();
    const order = p256.Point.Fn.ORDER;
    const s = BigInt(`0x${Buffer.from(input.subarray(64, 96)).toString("hex")}`);
    const other = Buffer.from((order - s).toString(16).padStart(64, "0"), "hex");
    input.set(other, 64);
    expect(run("isthmus", 0x100, input).returnValue).toHaveLength(32);
  });

  it("fails with less than its gas", () => {
    const failed = run("fjord", 0x100, signedInput(), 3449n);
    expect(failed.exceptionError).toBeDefined();
    expect(failed.executionGasUsed).toBe(3449n);
  });
});

it.each([
  ["granite", 0x08, 112_687],
  ["isthmus", 0x0c, 513_760],
  ["isthmus", 0x0e, 488_448],
  ["isthmus", 0x0f, 235_008],
] as const)("from %s on the precompile at %d takes at most %d bytes", (fork, address, limit) => {
  const before = OP_FORKS[OP_FORKS.indexOf(fork) - 1];
  expect(before === undefined ? undefined : precompile(before, address)).toBeUndefined();
  const tooLong = run(fork, address, new Uint8Array(limit + 1));
  expect(tooLong.exceptionError).toBeDefined();
  expect(tooLong.executionGasUsed).toBe(10n ** 9n);
});
