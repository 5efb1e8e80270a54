import { readFileSync } from "node:fs";
import { parseHeader } from "@mach/rollups/header";
import { parseBlockFile } from "../../src/block-file.ts";
import type { ClaimedBlock, ExecutionInput } from "../../src/block-input.ts";

const FOLDER = new URL("../../../../test/vectors/rollups/op/", import.meta.url);

export interface RealHeader {
  readonly number: number;
  readonly hash: string;
  readonly header: Readonly<Record<string, string>>;
}

export const realHeaders: readonly RealHeader[] = (
  JSON.parse(readFileSync(new URL("holocene-headers.json", FOLDER), "utf8")) as {
    blocks: RealHeader[];
  }
).blocks;

export type AttributesInput = ExecutionInput & {
  readonly block: Extract<ClaimedBlock, { kind: "attributes" }>;
};

export function readRealFile(number: number): Uint8Array {
  return readFileSync(new URL(`reexecution/block-${number}.json.gz`, FOLDER));
}

/** A real block as its file has it: the attributes and the hash. */
export function readRealBlock(number: number): AttributesInput {
  const parsed = parseBlockFile(readRealFile(number));
  if (!parsed.ok || parsed.input.block.kind !== "attributes") throw new Error("no block file");
  return { ...parsed.input, block: parsed.input.block };
}

/** The same block as a node sees it: the whole header is known. */
export function withHeader(input: AttributesInput, changes: Record<string, string> = {}) {
  const { header } = realHeaders.find((each) => each.hash === input.block.blockHash) ?? {};
  const parsed = parseHeader({ ...header, ...changes });
  if (!parsed.ok) throw new Error(parsed.field);
  const { transactions, withdrawals } = input.block;
  const block = { kind: "header", header: parsed.header, transactions, withdrawals } as const;
  return { ...input, block } satisfies ExecutionInput;
}
