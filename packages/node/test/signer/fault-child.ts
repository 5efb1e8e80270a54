import { cpSync, rmSync, writeSync } from "node:fs";
import { createNativeBls } from "@mach/bls";
import { openDataFolder } from "../../src/data-folder.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import { applyFault, type Fault } from "./faults.ts";
import { claimAt, createTestKey, hashOf, IDENTITY, requestFor } from "./test-claims.ts";

/**
 * Tries each fault on a copy of a folder, in a process of its own because a fault may end it, and
 * tells what came of it. Arguments: the folder, where to copy it, the last height, the faults.
 */
const [template = "", scratch = "", last = "0", list = "[]"] = process.argv.slice(2);

async function outcomeOf(fault: Fault): Promise<string> {
  rmSync(scratch, { recursive: true, force: true });
  cpSync(template, scratch, { recursive: true });
  applyFault(scratch, fault);
  const held = await openDataFolder(scratch);
  if (!held.ok) throw new Error(held.code);
  try {
    const opened = await openProtection(held.folder, IDENTITY);
    if (!opened.ok) return opened.code;
    const signer = createSigner(
      {
        protection: opened.protection,
        key: createTestKey(),
        bls: createNativeBls(),
        onFatal: () => undefined,
        now: Date.now,
      },
      { maxAheadBlocks: 0n, maxQueued: 10 },
    );
    const codes = new Set<string>();
    for (const height of [1n, BigInt(last) / 2n, BigInt(last) - 1n, BigInt(last)]) {
      const fork = claimAt(height, { blockHash: hashOf("another fork") });
      const result = await signer.sign(requestFor(fork));
      codes.add(result.ok ? "SIGNED" : result.code);
    }
    // A record that failed may fail to close too.
    await signer.stop().catch(() => undefined);
    return [...codes].join(", ");
  } finally {
    await held.folder.release();
  }
}

for (const fault of JSON.parse(list) as readonly Fault[]) {
  writeSync(1, `${JSON.stringify({ fault, outcome: await outcomeOf(fault) })}\n`);
}
