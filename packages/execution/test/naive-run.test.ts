import { expect, it } from "vitest";
import { prepareExecutionAlone } from "./support/execution-alone.ts";
import { runNaively } from "./support/naive-run.ts";
import { readRealBlock, realHeaders } from "./support/real-blocks.ts";

it.each(realHeaders)("the library alone comes to the same state in $number", async (real) => {
  const input = readRealBlock(real.number);
  const { attributes } = input.block;
  const gasUsed = BigInt(real.header["gasUsed"] ?? "");
  const stateRoot = real.header["stateRoot"];
  expect(await runNaively(input, attributes)).toEqual({ stateRoot, gasUsed });
  expect(await prepareExecutionAlone(input, attributes)()).toBe(gasUsed);
});
