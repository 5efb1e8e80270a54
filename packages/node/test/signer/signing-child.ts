import { randomInt } from "node:crypto";
import { writeSync } from "node:fs";
import { type Claim, toHex } from "@mach/core";
import { openDataFolder } from "../../src/data-folder.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { SignedClaim, Signer, SigningKey, SignResult } from "../../src/signer/signer.ts";
import { claimAt, createTestKey, hashOf, IDENTITY, NO_BLS, requestFor } from "./test-claims.ts";

/**
 * A signer in a process of its own, to be killed: it signs one height after the other, tries to
 * be talked into a fork at each, and tells every signature that it releases.
 * Arguments: the folder, and where to die ("never", or a boundary and a height).
 */
const [path = "", boundary = "never", at = "0"] = process.argv.slice(2);

/** The height that the next commit is the first of. */
let newHeight: bigint | null = null;

async function main(): Promise<void> {
  const folder = await openDataFolder(path);
  if (!folder.ok) throw new Error(folder.code);
  const opened = await openProtection(folder.folder, IDENTITY);
  if (!opened.ok) throw new Error(opened.code);
  const signer = createSigner(
    {
      protection: mortalRecord(opened.protection),
      key: mortalKey(createTestKey()),
      bls: NO_BLS,
      onFatal: () => process.exit(70),
      now: Date.now,
    },
    { maxAheadBlocks: 0n, maxQueued: 10 },
  );
  const record = await signer.lastSigned(901n);
  const last = record?.claim.blockNumber ?? 0n;
  tell({ type: "last", height: `${last}` });
  if (record !== null) await releaseAgain(signer, record.claim);
  for (let height = last > 0n ? last : 1n; ; height++) {
    newHeight = height;
    const forks = Array.from({ length: 3 }, () =>
      claimAt(height, { blockHash: hashOf(`fork ${randomInt(1_000_000)}`) }),
    );
    const results = await Promise.all(forks.map((claim) => signer.sign(requestFor(claim))));
    if (height > last && !results.some((result) => result.ok)) tellRefused(height, results[0]);
    for (const result of results) {
      if (!result.ok) continue;
      tellReleased(result.signed);
      if (height === BigInt(at)) dieAt("after-release");
    }
  }
}

/** What was signed last is no height to be refused: it is given again, byte for byte. */
async function releaseAgain(signer: Signer, claim: Claim): Promise<void> {
  const result = await signer.sign(requestFor(claim));
  if (result.ok) tellReleased(result.signed);
  else tellRefused(claim.blockNumber, result);
}

function tellReleased({ claim, uncompressed }: SignedClaim): void {
  const { blockNumber, blockHash } = claim;
  const signature = toHex(uncompressed);
  tell({ type: "released", height: `${blockNumber}`, blockHash, signature });
}

function tellRefused(height: bigint, result: SignResult | undefined): void {
  tell({ type: "refused", height: `${height}`, code: result?.ok === false ? result.code : null });
}

function mortalRecord(protection: ProtectionRecord): ProtectionRecord {
  return {
    ...protection,
    commit(change) {
      const isAtHeight = newHeight === BigInt(at);
      newHeight = null;
      if (isAtHeight) dieAt("before-record");
      const value = protection.commit((writer) => {
        const changed = change(writer);
        if (isAtHeight) dieAt("in-record");
        return changed;
      });
      if (isAtHeight) dieAt("after-record");
      return value;
    },
  };
}

function mortalKey(key: SigningKey): SigningKey {
  let signed = 0n;
  return {
    async sign(message) {
      const signature = await key.sign(message);
      signed++;
      if (signed === BigInt(at)) dieAt("after-signing");
      return signature;
    },
  };
}

function dieAt(here: string): void {
  if (here === boundary) process.kill(process.pid, "SIGKILL");
}

function tell(message: unknown): void {
  // Synchronous: what was released before a SIGKILL has left the process.
  writeSync(1, `${JSON.stringify(message)}\n`);
}

// Without a listener the signal for a file that may not grow would end the process first.
process.on("SIGXFSZ", () => {});
await main();
