import { setTimeout as sleep } from "node:timers/promises";
import type { FollowedRollup } from "@mach/api";
import type { Hex, Stack } from "@mach/core";
import {
  MAX_WALK_BLOCKS,
  readSettlementContracts,
  type SettledAnswer,
  type SettledPlaces,
  type SettledRoot,
  type SettlementContracts,
  type SettlementContractsAnswer,
  stackOf,
} from "@mach/rollups";
import type { L1View, PinnedL1 } from "@mach/settlement";
import { type Alerts, CALM_MS } from "../alerts.ts";
import type { Store } from "../store/store.ts";
import type { Dispute } from "./settled-claims-dispute.ts";
import { judgeSettled, type SettledVerdict } from "./settled-claims-verdict.ts";
import { createL1Windows, type L1Window, type L1Windows } from "./settled-claims-windows.ts";

/** How a rollup's settlement stands where nobody reads it. */
export const UNREAD_STATUS: RollupSettlement = {
  code: "no-settlement-source",
  contract: null,
  l1BlockNumber: null,
  newest: null,
  agreed: 0,
  contradicted: 0,
  uncertified: 0,
  isDisputed: false,
};

export type RollupSettlement = FollowedRollup["settlement"];

export interface SettledFollowerPorts {
  readonly l1: Pick<L1View, "pinFinalized">;
  readonly store: Pick<Store, "listCertificates" | "contradictions">;
  readonly places: SettledPlaces;
  readonly dispute: Dispute;
  readonly alerts: Alerts;
  readonly log: (fields: object, message: string) => void;
  readonly onFatal: (error: unknown) => void;
}

export interface SettledFollowerOptions {
  readonly rollupId: bigint;
  readonly stack: Stack;
  readonly registry: Hex;
  readonly configured: Hex | null;
  readonly pollMs: number;
  readonly lookbackBlocks: number;
  readonly spanBlocks: number;
}

export interface SettledFollower {
  /** The contracts are looked up again, and the first epoch starts it. */
  onEpoch(epoch: bigint): void;
  status(): RollupSettlement;
  /** Whether all of finalised L1 that counts was compared once, or nothing names what to read. */
  hasCaughtUp(): boolean;
  stop(): Promise<void>;
}

type Judged = Exclude<SettledVerdict, { kind: "unread" }>;
type Reading = { readonly ok: true } | { readonly ok: false; readonly code: string };

/** Roots whose verdict is remembered, so that reading them again counts and asks nothing. */
const MAX_JUDGED = 4_096;
/** Turns that fail one after the other: less is an L1 that was busy for a moment. */
const ALERT_AFTER = 3;
const NO_SOURCE = "no-settlement-source";
const READ: Reading = { ok: true };

/** Reads one window of finalised L1 after the other, and compares what settled in it. */
export function createSettledFollower(
  ports: SettledFollowerPorts,
  options: SettledFollowerOptions,
): SettledFollower {
  return new Follower(ports, options);
}

class Follower implements SettledFollower {
  readonly #ports: SettledFollowerPorts;
  readonly #options: SettledFollowerOptions;
  readonly #judged = new Map<string, Judged>();
  readonly #unread = new Map<string, { readonly code: string; readonly l1BlockNumber: bigint }>();
  readonly #stopping = new AbortController();
  #windows: L1Windows;
  #epoch: bigint | null = null;
  /** The contracts, and the epoch whose entry named them. */
  #contracts: { readonly of: SettlementContracts; readonly epoch: bigint } | null = null;
  #loop: Promise<void> | null = null;
  #code: string | null = "starting";
  #failures = 0;
  #hasCaughtUp = false;
  #newest: RollupSettlement["newest"] = null;
  #counts = { agrees: 0, contradicts: 0, uncertified: 0 };

  constructor(ports: SettledFollowerPorts, options: SettledFollowerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#windows = this.#createWindows();
  }

  onEpoch(epoch: bigint): void {
    if (this.#epoch === null || epoch > this.#epoch) this.#epoch = epoch;
    this.#loop ??= this.#run();
  }

  status(): RollupSettlement {
    const { agrees: agreed, contradicts: contradicted, uncertified } = this.#counts;
    return {
      code: this.#code,
      contract: this.#contracts === null ? null : contractOf(this.#contracts.of),
      l1BlockNumber: this.#windows.readThrough(),
      newest: this.#newest,
      ...{ agreed, contradicted, uncertified },
      isDisputed: this.#ports.dispute.isOpen(),
    };
  }

  hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ports.places.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#note(await this.#turn());
      } catch (error) {
        // Nothing that is asked for rejects: it is the store, without which no answer can be given.
        if (!signal.aborted) this.#ports.onFatal(error);
        return;
      }
      await sleep(this.#options.pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #turn(): Promise<Reading> {
    const pinned = await this.#ports.l1.pinFinalized();
    if (!pinned.ok) return pinned;
    const known = await this.#readContracts(pinned.l1);
    if (!known.ok) return known;
    await this.#ports.dispute.recheck();
    const finalized = pinned.l1.block.number;
    const window = this.#windows.next(finalized);
    const reading =
      window === null ? READ : await this.#readWindow(pinned.l1, known.contracts, window);
    const unread = this.#readingOfUnread(finalized);
    // A root that could not be compared may be the one that a certificate is contradicted by.
    if (unread.ok && (this.#windows.readThrough() ?? -1n) >= finalized) this.#hasCaughtUp = true;
    return reading.ok ? unread : reading;
  }

  /** What could not be compared stays the answer until it is, or is too old to be asked again. */
  #readingOfUnread(finalized: bigint): Reading {
    const oldest = finalized - BigInt(this.#options.lookbackBlocks);
    for (const [key, { l1BlockNumber }] of this.#unread) {
      if (l1BlockNumber < oldest) this.#unread.delete(key);
    }
    const [first] = this.#unread.values();
    return first === undefined ? READ : { ok: false, code: first.code };
  }

  async #readContracts(
    l1: PinnedL1,
  ): Promise<
    | { readonly ok: true; readonly contracts: SettlementContracts }
    | { readonly ok: false; readonly code: string }
  > {
    const { rollupId, stack, registry, configured } = this.#options;
    const epoch = this.#epoch ?? 0n;
    const known = this.#contracts;
    if (known?.epoch === epoch) return { ok: true, contracts: known.of };
    const place = { rollupId, stack, registry, epoch, configured, stateAt: l1.block.hash };
    const failed = { code: "l1-unavailable" as string };
    const read = await l1.read<Extract<SettlementContractsAnswer, { ok: true }> | WrongChain>(
      async (call) => {
        const answer = await readSettlementContracts(call, place);
        if (answer.ok || answer.code === "wrong-chain") return answer as never;
        failed.code = answer.code;
        return null;
      },
      keyOf,
    );
    if (!read.ok) return { ok: false, code: explain(read.code, failed.code) };
    if (!read.value.ok) return read.value;
    const { contracts } = read.value;
    if (contracts === null) {
      this.#contracts = null;
      this.#hasCaughtUp = true;
      return { ok: false, code: NO_SOURCE };
    }
    if (known === null || keyOf(known.of) !== keyOf(contracts)) {
      this.#windows = this.#createWindows();
      this.#unread.clear();
      this.#hasCaughtUp = false;
    }
    this.#contracts = { of: contracts, epoch };
    return { ok: true, contracts };
  }

  async #readWindow(
    l1: PinnedL1,
    contracts: SettlementContracts,
    window: L1Window,
  ): Promise<Reading> {
    const { readSettled } = stackOf(this.#options.stack);
    if (readSettled === null) return { ok: false, code: NO_SOURCE };
    const query = { contracts, ...window, stateAt: l1.block.hash };
    const failed = { code: "l1-unavailable" as string };
    const read = await l1.read<Sound | TooMany>(async (call) => {
      const answer = await readSettled(call, query);
      if (answer.ok || answer.code === "too-many") return answer as never;
      failed.code = answer.code;
      return null;
    }, keyOf);
    if (!read.ok) {
      // Nodes refuse what takes them too long: less of it may do.
      this.#windows.settle(window, failed.code === "refused" ? "too-many" : "failed");
      return { ok: false, code: explain(read.code, failed.code) };
    }
    if (!read.value.ok) {
      this.#windows.settle(window, "too-many");
      return read.value;
    }
    const { roots, undecided } = read.value;
    const confirmed = roots.filter((each) => each.standing === "confirmed");
    const reading = await this.#judgeAll(confirmed);
    const isJudged = confirmed.every(
      (root) => this.#judged.get(judgedKey(root))?.kind !== "uncertified",
    );
    const isDone = reading.ok && undecided === 0 && isJudged;
    this.#windows.settle(window, isDone ? "done" : "again");
    return reading;
  }

  /** The last failure, where one could not be compared. */
  async #judgeAll(roots: readonly SettledRoot[]): Promise<Reading> {
    const { rollupId, stack } = this.#options;
    let reading: Reading = READ;
    for (const root of roots) {
      if (this.#stopping.signal.aborted) return READ;
      const key = judgedKey(root);
      const before = this.#judged.get(key);
      if (before !== undefined && !(await this.#mayHaveChanged(before))) continue;
      const verdict = await judgeSettled(this.#ports, { rollupId, stack, root });
      this.#unread.delete(key);
      if (verdict.kind === "unread") {
        reading = { ok: false, code: verdict.code };
        const { l1BlockNumber } = root;
        if (this.#unread.size < MAX_JUDGED) this.#unread.set(key, { ...reading, l1BlockNumber });
        continue;
      }
      await this.#ports.dispute.take(root, verdict);
      this.#remember(key, verdict, before);
      this.#noteNewest(root, verdict);
    }
    return reading;
  }

  /** A certificate may still come from a peer for what this node had missed. */
  async #mayHaveChanged(before: Judged): Promise<boolean> {
    if (before.kind !== "uncertified" || before.blockNumber === null) return false;
    const { rollupId } = this.#options;
    const { blockNumber: from } = before;
    const [next] = await this.#ports.store.listCertificates({ rollupId, from, limit: 1 });
    return next !== undefined && next.claim.blockNumber - from <= MAX_WALK_BLOCKS;
  }

  #remember(key: string, verdict: Judged, before: Judged | undefined): void {
    if (before !== undefined) this.#counts[before.kind] -= 1;
    this.#counts[verdict.kind] += 1;
    const oldest = this.#judged.keys().next();
    if (this.#judged.size >= MAX_JUDGED && !oldest.done) this.#judged.delete(oldest.value);
    this.#judged.set(key, verdict);
  }

  #noteNewest(root: SettledRoot, verdict: Judged): void {
    const { l1BlockNumber, transactionHash } = root;
    if (this.#newest !== null && this.#newest.l1BlockNumber > l1BlockNumber) return;
    const { kind, blockNumber } = verdict;
    const settled = { root: root.root, l1BlockNumber, transactionHash };
    this.#newest = { verdict: kind, blockNumber, ...settled };
  }

  #note(reading: Reading): void {
    const { rollupId } = this.#options;
    const { alerts, log } = this.#ports;
    const code = reading.ok ? null : reading.code;
    if (code !== this.#code) log({ rollupId, code }, "settlement");
    this.#code = code;
    const cause = { code: "settlement-not-read", rollupId } as const;
    if (code === null || code === NO_SOURCE) {
      this.#failures = 0;
      alerts.clearAfter(cause, CALM_MS);
      return;
    }
    this.#failures += 1;
    if (this.#failures < ALERT_AFTER) return;
    const message =
      `What L1 has settled of rollup ${rollupId} cannot be compared with its certificates ` +
      `(${code}): check the L1 endpoints and those of the rollup.`;
    alerts.raise({ ...cause, severity: "warning", message });
  }

  #createWindows(): L1Windows {
    const { lookbackBlocks, spanBlocks } = this.#options;
    return createL1Windows({
      lookbackBlocks: BigInt(lookbackBlocks),
      spanBlocks: BigInt(spanBlocks),
    });
  }
}

type Sound = Extract<SettledAnswer, { ok: true }>;
type TooMany = { readonly ok: false; readonly code: "too-many" };
type WrongChain = { readonly ok: false; readonly code: "wrong-chain" };

/** What sources themselves said of why they do not answer says more than that they do not. */
function explain(code: string, failed: string): string {
  return code === "l1-unavailable" && failed !== "unavailable" ? failed : code;
}

function contractOf(contracts: SettlementContracts): Hex {
  switch (contracts.stack) {
    case "op":
      return contracts.anchorStateRegistry;
    case "orbit":
      return contracts.rollup;
    case "cdk":
      return contracts.rollupManager;
    case "zk":
      return contracts.diamond;
  }
}

function judgedKey({ subject, root, transactionHash }: SettledRoot): string {
  return keyOf({ subject, root, transactionHash });
}

/** Equal for equal values. */
function keyOf(value: object): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "bigint" ? `${each}n` : each,
  );
}
