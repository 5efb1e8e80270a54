import type { Stack } from "@mach/core";
import { readClaim } from "@mach/rollups";
import type { CheckedBlock } from "@mach/rollups/stacks";
import { required } from "./arguments.ts";
import { type Answer, UsageError } from "./command.ts";
import { countHosts, parseAgree } from "./endpoints.ts";

const TIMEOUT_MS = 10_000;

/** The claim about a block that enough endpoints have, by the rules that a node follows. */
export async function claimFromRpc(
  asked: {
    readonly stack: Stack;
    readonly urls: readonly string[];
    readonly number: string | undefined;
    readonly agree: string | undefined;
  },
  toAnswer: (block: CheckedBlock) => Answer,
): Promise<Answer> {
  const { stack, urls } = asked;
  const blockNumber = parseBlockNumber(required(asked.number, "number"));
  const hosts = countHosts(urls, "http or https");
  const agree = parseAgree(asked.agree, hosts);
  const read = await readClaim({ stack, urls, agree, blockNumber, timeoutMs: TIMEOUT_MS });
  if (read.ok) return { ...toAnswer(read.block), detail: `chain ${read.rollupId}` };
  const verdicts = read.sources.map(({ host, code }) => `  ${host}  ${code}`);
  const sentence = [`no claim (${read.code}): what the endpoints answered is`, ...verdicts];
  return { exitCode: 1, json: { code: read.code }, sentence: sentence.join("\n") };
}

function parseBlockNumber(text: string): bigint {
  const number = /^(\d{1,20}|0x[0-9a-fA-F]{1,16})$/.test(text) ? BigInt(text) : -1n;
  if (number < 0n || number >> 64n !== 0n) {
    throw new UsageError("--number is a block's number, decimal or with 0x");
  }
  return number;
}
