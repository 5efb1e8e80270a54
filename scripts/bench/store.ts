import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createNativeBls, type NativeBls, type SecretKey } from "@mach/bls";
import { type Claim, claimDigest, type Hex, toHex } from "@mach/core";
import { initialiseProtection, openDataFolder } from "@mach/node";
import { createSigner } from "../../packages/node/src/signer/local-signer.ts";
import { openProtection } from "../../packages/node/src/signer/open-protection.ts";
import { encodeRecordedClaim } from "../../packages/node/src/signer/record-document.ts";
import type { Signer } from "../../packages/node/src/signer/signer.ts";
import type { BenchContext } from "./bench-context.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Pair, type Row, toRow } from "./row.ts";

export interface StoreCounts extends RoundCounts {
  readonly signatures: number;
}

export const STORE_COUNTS = {
  full: { warmUp: 1, rounds: 7, signatures: 300 },
  quick: { warmUp: 1, rounds: 3, signatures: 100 },
} as const;

const IDENTITY = {
  domain: { chainId: 31_337n, verifyingContract: `0x${"c1".repeat(20)}` as Hex },
  operator: `0x${"a1".repeat(20)}` as Hex,
};
const GOAL = { of: "ratio", atMost: 2.5 } as const;
const SIGNATURE_BYTES = 192;

/**
 * What it costs that a claim is on the disk before its signature exists: the signer as a node has
 * it, beside the same bytes appended to a file and synced. Wall-clock, for waiting is what it costs.
 */
export async function benchStore(
  context: BenchContext,
  counts: StoreCounts,
): Promise<readonly Row[]> {
  context.progress("record before a signature");
  const folder = context.makeFolder();
  const bls = createNativeBls();
  const secretKey = bls.generateSecretKey();
  const signer = await openSigner(context, folder, { bls, secretKey });
  const log = openSync(join(folder, "log"), "a", 0o600);
  context.defer(() => closeSync(log));
  let height = 0n;
  const results = await runRounds(context, counts, async () => {
    const times = { signer: [] as number[], sign: [] as number[], append: [] as number[] };
    for (let i = 0; i < counts.signatures; i++) {
      context.signal.throwIfAborted();
      height += 1n;
      const claim = claimAt(height);
      const digest = claimDigest(IDENTITY.domain, claim);
      const bytes = recordOf(claim, digest);
      times.signer.push(await millisOf(() => signAt(signer, claim)));
      times.sign.push(await millisOf(() => bls.sign(secretKey, digest)));
      times.append.push(await millisOf(() => append(log, bytes)));
    }
    const [whole, sign, bound] = [times.signer, times.sign, times.append].map(median);
    return { whole: whole ?? 0, sign: sign ?? 0, bound: bound ?? 0 };
  });
  const head = { group: "store", unit: "ms", goal: GOAL } as const;
  const record: Pair[] = results.map(({ whole, sign, bound }) => ({ figure: whole - sign, bound }));
  const together: Pair[] = results.map((each) => ({
    figure: each.whole,
    bound: each.bound + each.sign,
  }));
  return [
    toRow({ ...head, name: "durable record, without the signature", boundIs: APPEND }, record),
    toRow({ ...head, name: "durable record and signature", boundIs: `${APPEND}, sign` }, together),
  ];
}

const APPEND = "append, fdatasync";

async function openSigner(
  context: BenchContext,
  path: string,
  key: { readonly bls: NativeBls; readonly secretKey: SecretKey },
): Promise<Signer> {
  const opened = await openDataFolder(join(path, "node"));
  if (!opened.ok) throw new Error(opened.code);
  context.defer(() => opened.folder.release());
  const made = await initialiseProtection(opened.folder, IDENTITY, "never-signed");
  const record = await openProtection(opened.folder, IDENTITY);
  if (!made.ok || !record.ok) throw new Error("the signing record could not be made");
  const signer = createSigner(
    {
      protection: record.protection,
      key: { sign: (message) => key.bls.sign(key.secretKey, message) },
      bls: key.bls,
      onFatal: () => undefined,
      now: () => Date.now(),
    },
    { maxAheadBlocks: 4_096n, maxQueued: 16 },
  );
  context.defer(() => signer.stop());
  return signer;
}

async function signAt(signer: Signer, claim: Claim): Promise<void> {
  const { blockNumber } = claim;
  // Its blocks are no chain: each is released by itself.
  const release = { kind: "l1-finalised-block", block: claim } as const;
  const result = await signer.sign({ ...IDENTITY, claim, verifiedHead: blockNumber, release });
  if (!result.ok) throw new Error(result.code);
}

function append(log: number, bytes: Uint8Array): void {
  writeSync(log, bytes);
  fdatasyncSync(log);
}

/** As many bytes as the signer commits: a claim, and the signature before it. */
function recordOf(claim: Claim, digest: Hex): Uint8Array {
  const document = encodeRecordedClaim({ claim, digest, release: null });
  return Buffer.concat([Buffer.from(JSON.stringify(document)), Buffer.alloc(SIGNATURE_BYTES)]);
}

function claimAt(blockNumber: bigint): Claim {
  return {
    rollupId: 901n,
    blockNumber,
    blockHash: toHex(randomBytes(32)),
    stateRoot: toHex(randomBytes(32)),
    outputRoot: toHex(randomBytes(32)),
    timestamp: 1_700_000_000n + blockNumber,
    epoch: 1n,
    verification: 1,
  };
}

async function millisOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
