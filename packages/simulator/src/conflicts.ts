import type { Hex } from "@mach/core";
import { isFork, isOnBranchOf, type SimBlock } from "./block-tree.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { Member, Setting } from "./setting.ts";
import { Violation } from "./violation.ts";

/** Finds certificates that can stand and conflict, as signatures come into the world. */
export interface Conflicts {
  onSigned(member: Member, entry: LedgerEntry): void;
}

interface Tally extends LedgerEntry {
  readonly signers: Set<number>;
  weight: bigint;
}

/**
 * A claim counts as certified as soon as the honest weight behind it would do with all of the
 * Byzantine weight added: they may sign anything at any time, so nobody has to catch them at it.
 */
export function createConflicts(ports: {
  readonly setting: Setting;
  readonly finalized: () => SimBlock;
}): Conflicts {
  const { setting } = ports;
  const tallies = new Map<Hex, Tally>();
  const certified: Tally[] = [];
  /** Certified claims that no other one descends from: what conflicts at all conflicts with one. */
  let leaves: Tally[] = [];

  function byzantineWeight(epoch: bigint): bigint {
    return setting.members
      .filter(({ isByzantine }) => isByzantine)
      .reduce((sum, { index }) => sum + setting.weightOf(epoch, index), 0n);
  }

  function isBreach(epoch: bigint): boolean {
    return byzantineWeight(epoch) * 3n >= setting.totalWeight(epoch);
  }

  function onCertified(tally: Tally): void {
    certified.push(tally);
    const isFree = leaves.every((leaf) => !isFork(leaf.block, tally.block));
    if (!isFree) {
      for (const other of certified) {
        if (isFork(other.block, tally.block) || isOtherAtHeight(other, tally)) check(other, tally);
      }
    }
    if (leaves.some((leaf) => isOnBranchOf(leaf.block, tally.block))) return;
    leaves = leaves.filter((leaf) => !isOnBranchOf(tally.block, leaf.block));
    leaves.push(tally);
  }

  function check(a: Tally, b: Tally): void {
    const [lower, higher] = a.block.blockNumber <= b.block.blockNumber ? [a, b] : [b, a];
    const isOneHeight = lower.block.blockNumber === higher.block.blockNumber;
    // Whoever signed the lower one is released by the branch that L1 has chosen.
    if (!isOneHeight && isFork(lower.block, ports.finalized())) return;
    const epochs = [lower.claim.epoch, higher.claim.epoch];
    if (epochs.some(isBreach)) return;
    const where = `${lower.block.blockNumber} and ${higher.block.blockNumber}`;
    if (lower.claim.epoch === higher.claim.epoch) {
      throw new Violation("conflicting-certificates", `at ${where} of epoch ${lower.claim.epoch}`);
    }
    const isLowest = !certified.some(
      (each) =>
        each !== higher &&
        each.block.blockNumber >= lower.block.blockNumber &&
        isOnBranchOf(higher.block, each.block) &&
        isFork(each.block, lower.block),
    );
    const both = [...lower.signers].filter((index) => higher.signers.has(index));
    if (isLowest && both.length > 0) {
      throw new Violation(
        "conflict-across-epochs",
        `at ${where}, operators ${both.join()} in both`,
      );
    }
  }

  return {
    onSigned(member, entry) {
      const { claim, digest } = entry;
      let tally = tallies.get(digest);
      if (tally === undefined) {
        tally = { ...entry, signers: new Set(), weight: byzantineWeight(claim.epoch) };
        tallies.set(digest, tally);
      }
      const wasEnough = setting.isEnough(claim.epoch, tally.weight) && tally.signers.size > 0;
      tally.signers.add(member.index);
      tally.weight += setting.weightOf(claim.epoch, member.index);
      if (!wasEnough && setting.isEnough(claim.epoch, tally.weight)) onCertified(tally);
    },
  };
}

function isOtherAtHeight(a: Tally, b: Tally): boolean {
  return a.block.blockNumber === b.block.blockNumber && a.digest !== b.digest;
}
