import type { Claim, Hex } from "@mach/core";
import { expect, it } from "vitest";
import {
  createRecordDisk,
  newestRow,
  type RecordDisk,
  type SignerMoment,
  signClaim,
} from "../src/sim-signer.ts";
import { createTwinBls } from "../src/twin-bls.ts";

const bls = createTwinBls();
const domain = { chainId: 1n, verifyingContract: `0x${"ab".repeat(20)}` } as const;

function claimAt(blockNumber: bigint, branch: string): Claim {
  const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
  return {
    rollupId: 1n,
    blockNumber,
    blockHash: word(branch),
    stateRoot: word("aa"),
    outputRoot: word("00"),
    timestamp: 5n,
    epoch: 0n,
    verification: 1,
  };
}

function sign(disk: RecordDisk, claim: Claim, diesAt: SignerMoment | null = null): string {
  const seen: string[] = [];
  try {
    const result = signClaim(
      {
        disk,
        bls,
        domain,
        publicKey: `0x${"11".repeat(48)}`,
        pass: (moment) => {
          if (moment === diesAt) throw new Error("died");
        },
        onRecorded: () => seen.push("recorded"),
        onSignature: () => seen.push("signed"),
      },
      { claim, ancestry: [], release: { kind: "l1-finalised-block", block: claim } },
    );
    return result.ok ? seen.join() : result.code;
  } catch {
    // The process has died: what was not durable goes with it.
    disk.crash();
    return `${seen.join()} died`;
  }
}

it("a claim is recorded before it is signed, and may be signed again", () => {
  const disk = createRecordDisk();
  expect(sign(disk, claimAt(5n, "b1"))).toBe("recorded,signed");
  expect(sign(disk, claimAt(5n, "b1"))).toBe("recorded,signed");
});

it("nothing else is signed at or below a height that is recorded", () => {
  const disk = createRecordDisk();
  sign(disk, claimAt(5n, "b1"));
  expect(sign(disk, claimAt(5n, "b2"))).toBe("height-not-above-last");
  expect(sign(disk, claimAt(4n, "b1"))).toBe("height-not-above-last");
  expect(sign(disk, claimAt(6n, "b2"))).toBe("recorded,signed");
});

it("a process that dies before the sync has recorded nothing, and after it everything", () => {
  const early = createRecordDisk();
  expect(sign(early, claimAt(5n, "b1"), "before-sync")).toBe(" died");
  expect(newestRow(early.rows())).toBeNull();
  const late = createRecordDisk();
  expect(sign(late, claimAt(5n, "b1"), "before-signature")).toBe("recorded died");
  expect(sign(late, claimAt(5n, "b2"))).toBe("height-not-above-last");
  const signed = createRecordDisk();
  expect(sign(signed, claimAt(5n, "b1"), "before-publish")).toBe("recorded,signed died");
  expect(sign(signed, claimAt(5n, "b2"))).toBe("height-not-above-last");
});
