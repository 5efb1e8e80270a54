import {
  type Claim,
  type EngineState,
  type Evidence,
  type Hex,
  signersOf,
  type VerifiedCertificate,
} from "@mach/core";
import type { ParticipationRecord, Store } from "../store/store.ts";
import { addHeight } from "./participation-count.ts";
import { countHeight, type HeardHeight } from "./participation-height.ts";
import type { Announcement } from "./ports.ts";

export interface ParticipationPorts {
  readonly state: () => EngineState;
  readonly store: Pick<Store, "putParticipation" | "participation" | "participationEpochs">;
  /** Told of a store that fails: what is not kept would be missing without a word. */
  readonly onFatal: (error: unknown) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Counts what operators did, from what this node has verified, and keeps it in the store. */
export interface ParticipationKeeper {
  announce(announcement: Announcement): void;
  /** A rollup has a new block: heights below it may have closed. */
  onBlock(rollupId: bigint): void;
  /** Time has passed. */
  onTick(): void;
  /** Takes up what earlier runs counted. */
  restore(): Promise<void>;
  /** Writes what is counted, once what is under way is written. */
  flush(): Promise<void>;
}

/**
 * How long a height is left to those who are late, beside its improvement window; it is not waited
 * for longer than attestations are taken.
 */
const COUNT_AFTER_MS = 30_000;
/** How often what was counted is written; a crash loses so much, and calls none of it missed. */
const WRITE_EVERY_MS = 5_000;
/** Epochs whose records are held to be counted on: as many as sets are in memory. */
const HELD_EPOCHS = 16;

/**
 * A keeper that has watched since now. A height is counted once, half a minute after it was first
 * heard of and had its window, or when attestations are no longer taken; those of blocks from
 * before this process are not, because nobody watched them.
 */
export function createParticipation(ports: ParticipationPorts): ParticipationKeeper {
  return new Keeper(ports);
}

class Keeper implements ParticipationKeeper {
  readonly #ports: ParticipationPorts;
  readonly #startedAtMs: number;
  /** By rollup, then by height. */
  readonly #open = new Map<bigint, Map<bigint, HeardHeight>>();
  readonly #lastHeardMs = new Map<Hex, number>();
  /** By rollup: up to which height is counted. */
  readonly #through = new Map<bigint, bigint>();
  /** By rollup and epoch, as they are kept. */
  readonly #records = new Map<string, ParticipationRecord>();
  readonly #unwritten = new Set<string>();
  #writing: Promise<void> = Promise.resolve();
  #writtenAtMs: number;

  constructor(ports: ParticipationPorts) {
    this.#ports = ports;
    this.#startedAtMs = ports.now();
    this.#writtenAtMs = this.#startedAtMs;
  }

  async restore(): Promise<void> {
    const { store } = this.#ports;
    const epochs = (await store.participationEpochs()).slice(-HELD_EPOCHS);
    for (const epoch of epochs) {
      for (const record of await store.participation(epoch)) {
        this.#records.set(keyOf(record), record);
        this.#advance(record.rollupId, record.throughBlockNumber);
      }
    }
  }

  announce(announcement: Announcement): void {
    switch (announcement.type) {
      case "certificate":
        this.#onCertificate(announcement.certificate);
        return;
      case "evidence":
        this.#onEvidence(announcement.evidence);
        return;
      case "sign-refused":
        this.#noteOwnReason(announcement.claim, announcement.code);
        return;
      case "report":
        break;
      default:
        return;
    }
    const { report } = announcement;
    if (report.code === "abstained") this.#noteOwnReason(report, report.reason);
    if (report.code !== "attestation-counted") return;
    const { claim, operator } = report.attestation;
    const atMs = this.#ports.now();
    this.#lastHeardMs.set(operator, atMs);
    const height = this.#heightAt(claim);
    if (height !== null && !height.heard.has(operator)) height.heard.set(operator, { claim, atMs });
  }

  onBlock(rollupId: bigint): void {
    const tip = this.#ports.state().rollups.get(rollupId)?.tip ?? null;
    if (tip === null) return;
    if (!tip.isWithinBatch) this.#heightAt({ rollupId, blockNumber: tip.blockNumber });
    this.#countThose(rollupId, tip.blockNumber);
  }

  onTick(): void {
    for (const { rollupId, tip } of this.#ports.state().rollups.values()) {
      if (tip !== null) this.#countThose(rollupId, tip.blockNumber);
    }
    if (this.#ports.now() - this.#writtenAtMs < WRITE_EVERY_MS) return;
    this.flush().catch((error: unknown) => this.#ports.onFatal(error));
  }

  async flush(): Promise<void> {
    this.#writtenAtMs = this.#ports.now();
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    this.#forgetOperators();
    const records = [...this.#unwritten].flatMap((key) => this.#records.get(key) ?? []);
    this.#unwritten.clear();
    if (records.length > 0) await this.#ports.store.putParticipation(records);
    const newest = [...this.#records.values()].reduce(
      (most, { epoch }) => (epoch > most ? epoch : most),
      0n,
    );
    for (const [key, { epoch }] of this.#records) {
      if (epoch + BigInt(HELD_EPOCHS) <= newest && !this.#unwritten.has(key)) {
        this.#records.delete(key);
      }
    }
  }

  /** Those that are in no set that is known: who they are changes for ever. */
  #forgetOperators(): void {
    const epochs = [...this.#ports.state().epochs.values()];
    for (const operator of this.#lastHeardMs.keys()) {
      const isMember = epochs.some(({ byOperator }) => byOperator.has(operator));
      if (!isMember) this.#lastHeardMs.delete(operator);
    }
  }

  /** Counts the heights that have had their time, in order. */
  #countThose(rollupId: bigint, tip: bigint): void {
    const { openHeights, chainDepth, improvementWindowMs } = this.#ports.state().options;
    const lowest = tip - BigInt(chainDepth) + 1n;
    const from = (this.#through.get(rollupId) ?? -1n) + 1n;
    const rollup = this.#ports.state().rollups.get(rollupId);
    const countedBefore = this.#ports.now() - COUNT_AFTER_MS - improvementWindowMs;
    for (let at = from > lowest ? from : lowest; at <= tip; at += 1n) {
      const isClosed = at + BigInt(openHeights) <= tip;
      const block = rollup?.blocks.get(at);
      const mayCount = block !== undefined && !block.isWithinBatch;
      const height = mayCount ? this.#heightAt({ rollupId, blockNumber: at }) : null;
      const isImproving = typeof rollup?.certified.get(at)?.openUntilMs === "number";
      const isEarly = isImproving || (height !== null && height.openedAtMs > countedBefore);
      if (!isClosed && isEarly) return;
      this.#count(rollupId, at);
      this.#advance(rollupId, at);
    }
  }

  #count(rollupId: bigint, blockNumber: bigint): void {
    const counted = countHeight(this.#ports.state(), blockNumber, {
      rollupId,
      height: this.#open.get(rollupId)?.get(blockNumber) ?? null,
      startedAtMs: this.#startedAtMs,
      lastHeardMs: this.#lastHeardMs,
    });
    if (counted === null) return;
    const key = keyOf({ rollupId, epoch: counted.epoch });
    const before = this.#records.get(key) ?? null;
    this.#records.set(key, addHeight(before, rollupId, { ...counted, blockNumber }));
    this.#unwritten.add(key);
  }

  /** Moves on, and forgets what lies behind. */
  #advance(rollupId: bigint, through: bigint): void {
    if (through <= (this.#through.get(rollupId) ?? -1n)) return;
    this.#through.set(rollupId, through);
    const open = this.#open.get(rollupId);
    for (const blockNumber of open?.keys() ?? []) {
      if (blockNumber <= through) open?.delete(blockNumber);
    }
  }

  /** A height that is not counted yet; null for one that is. */
  #heightAt(at: Pick<Claim, "rollupId" | "blockNumber">): HeardHeight | null {
    const { rollupId, blockNumber } = at;
    if (blockNumber <= (this.#through.get(rollupId) ?? -1n)) return null;
    const open = this.#open.get(rollupId) ?? new Map<bigint, HeardHeight>();
    this.#open.set(rollupId, open);
    const known = open.get(blockNumber);
    if (known !== undefined) return known;
    const openedAtMs = this.#ports.now();
    const height = { openedAtMs, heard: new Map(), convicted: new Set<Hex>(), ownReason: null };
    open.set(blockNumber, height);
    return height;
  }

  #onCertificate(certificate: VerifiedCertificate): void {
    const { epochs } = this.#ports.state();
    const operatorSet = epochs.get(certificate.claim.epoch)?.operatorSet;
    if (operatorSet === undefined) return;
    const now = this.#ports.now();
    for (const { operator } of signersOf(certificate, operatorSet)) {
      this.#lastHeardMs.set(operator, now);
    }
  }

  #onEvidence(evidence: Evidence): void {
    if (!("operator" in evidence)) return;
    // Evidence is about any height: only those that are open here are looked at.
    const height = this.#open.get(evidence.rollupId)?.get(evidence.blockNumber);
    height?.convicted.add(evidence.operator);
  }

  #noteOwnReason(at: Pick<Claim, "rollupId" | "blockNumber">, code: string): void {
    const height = this.#heightAt(at);
    if (height !== null) height.ownReason ??= code;
  }
}

function keyOf({ rollupId, epoch }: Pick<ParticipationRecord, "rollupId" | "epoch">): string {
  return `${rollupId}/${epoch}`;
}
