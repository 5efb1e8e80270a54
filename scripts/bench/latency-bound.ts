import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { toHex } from "@mach/core";
import { attestationsLength } from "../../packages/node/src/gossip/wire.ts";
import { median } from "./row.ts";
import type { StreamPair } from "./stream-pair.ts";

/** What each step from a block to a certificate takes by itself, in milliseconds. */
export interface Parts {
  readonly sign: number;
  readonly verify: number;
  /** Append a claim's bytes to a file, and sync it. */
  readonly record: number;
  readonly hop: number;
}

/** Of each part, in each round. */
const SAMPLES = 100;
const SIGNATURE_BYTES = 192;
/** A claim as the signer records it, about. */
const RECORD_BYTES = 600;

/** Measures every part alone; `folder` is on the disk that the nodes write to. */
export async function measureParts(pair: StreamPair, folder: string): Promise<Parts> {
  const bytes = attestationsLength(1, SIGNATURE_BYTES);
  const hop = await pair.sender.call("hop", { times: SAMPLES, bytes });
  return { ...measureOwnParts(folder), hop };
}

/** Those that need no other process. */
export function measureOwnParts(folder: string): Omit<Parts, "hop"> {
  const bls = createNativeBls();
  const secretKey = bls.generateSecretKey();
  const publicKey = bls.publicKeyOf(secretKey);
  const log = openSync(join(folder, "bound.log"), "a", 0o600);
  const times = { sign: [] as number[], verify: [] as number[], record: [] as number[] };
  const timed = <T>(into: number[], work: () => T): T => {
    const startedAt = performance.now();
    const result = work();
    into.push(performance.now() - startedAt);
    return result;
  };
  try {
    for (let i = 0; i < SAMPLES; i++) {
      const message = toHex(randomBytes(32));
      const signed = timed(times.sign, () => bls.sign(secretKey, message));
      const entries = [{ publicKey, signature: signed.uncompressed }];
      const [verdict] = timed(times.verify, () => bls.verifyBatch({ message, entries }));
      if (verdict?.ok !== true) throw new Error("a valid signature was refused");
      timed(times.record, () => {
        writeSync(log, Buffer.alloc(RECORD_BYTES, i));
        fdatasyncSync(log);
      });
    }
  } finally {
    closeSync(log);
  }
  const { sign, verify, record } = times;
  return { sign: median(sign), verify: median(verify), record: median(record) };
}

/** The bound of the design: on two cores two operators' work fits side by side. */
export function boundOf({ sign, verify, hop }: Parts): number {
  return 2 * (sign + verify) + hop;
}
