import { setImmediate as nextTurn } from "node:timers/promises";
import { MAX_PAGE_ITEMS } from "@mach/api";
import { claimDigest } from "@mach/core";
import { compareWithSettled, type SettledPlaces, type SettledRoot } from "@mach/rollups";
import { type Alerts, CALM_MS, EVENT_LASTS_MS } from "../alerts.ts";
import type { Store } from "../store/store.ts";
import type { SettledVerdict } from "./settled-claims-verdict.ts";
import type { EngineShell } from "./shell.ts";

export interface DisputePorts {
  readonly engine: Pick<EngineShell, "contradict">;
  readonly store: Pick<Store, "listCertificates" | "newestCertificate">;
  readonly places: Pick<SettledPlaces, "canonical">;
  readonly alerts: Alerts;
}

/** What L1 has settled against certificates, and whether the rollup's nodes are against L1 too. */
export interface Dispute {
  /**
   * The rollup's own nodes have another chain than L1 has settled, or nobody can tell: what they
   * call finalized does not count.
   */
  isOpen(): boolean;
  take(root: SettledRoot, verdict: SettledVerdict): Promise<void>;
  /** Asks the nodes again whether they have what L1 has settled. */
  recheck(): Promise<void>;
}

interface Disputed {
  readonly root: SettledRoot;
  readonly blockNumber: bigint;
}

/** How far below a contradicted height nothing is trusted where L1 has agreed with nothing yet. */
const MAX_BELOW = 4_096n;
/** Certificates that are marked one by one; of more, none is served until somebody has looked. */
const MAX_MARKED = 16_384;

/** Marks what L1 contradicts (protocol section 3) and remembers it until the nodes follow L1. */
export function createDispute(ports: DisputePorts, rollupId: bigint): Dispute {
  return new RollupDispute(ports, rollupId);
}

class RollupDispute implements Dispute {
  readonly #ports: DisputePorts;
  readonly #rollupId: bigint;
  #open: Disputed | null = null;
  #isBeyondBound = false;
  /** The highest block that L1 has settled as it is certified here. */
  #agreed: bigint | null = null;

  constructor(ports: DisputePorts, rollupId: bigint) {
    this.#ports = ports;
    this.#rollupId = rollupId;
  }

  isOpen(): boolean {
    return this.#open !== null || this.#isBeyondBound;
  }

  async take(root: SettledRoot, verdict: SettledVerdict): Promise<void> {
    if (verdict.kind === "agrees") {
      this.#onAgreed(root, verdict.blockNumber);
      return;
    }
    if (verdict.kind !== "contradicts") return;
    const { blockNumber, isKnown } = verdict;
    // From here on until it is shown otherwise: nothing in between may be taken for final.
    if (this.#open === null || this.#open.blockNumber < blockNumber) {
      this.#open = { root, blockNumber };
    }
    if (!isKnown) await this.#mark(blockNumber);
    await this.recheck();
    // Where the nodes are of L1's chain by now, what was contradicted before is no news.
    if (this.isOpen()) this.#raise({ root, blockNumber });
    else if (!isKnown) this.#raise({ root, blockNumber }, EVENT_LASTS_MS);
  }

  async recheck(): Promise<void> {
    const disputed = this.#open;
    if (disputed === null) return;
    const { root, blockNumber } = disputed;
    const { subject } = root;
    const canonical = await this.#ports.places.canonical(blockNumber);
    if (!canonical.ok) return;
    const batchNumber = subject.by === "batch" ? subject.batchNumber : null;
    if (compareWithSettled(canonical.block, root, batchNumber) === "agrees") this.#close();
  }

  #onAgreed(root: SettledRoot, blockNumber: bigint): void {
    if (this.#agreed === null || blockNumber > this.#agreed) this.#agreed = blockNumber;
    const disputed = this.#open;
    // L1 has gone on with the chain that is certified here: it has taken the other word back.
    const isLater =
      disputed !== null &&
      root.l1BlockNumber > disputed.root.l1BlockNumber &&
      blockNumber > disputed.blockNumber;
    if (isLater) this.#close();
  }

  #close(): void {
    this.#open = null;
    if (this.#isBeyondBound) return;
    const cause = { code: "settlement-contradicts", rollupId: this.#rollupId } as const;
    this.#ports.alerts.clearAfter(cause, CALM_MS);
  }

  /** Contradicts every certificate above the last block that L1 is known to share. */
  async #mark(blockNumber: bigint): Promise<void> {
    const { store, engine } = this.#ports;
    const rollupId = this.#rollupId;
    const shared = this.#agreed !== null && this.#agreed < blockNumber ? this.#agreed : null;
    const lowest = blockNumber > MAX_BELOW ? blockNumber - MAX_BELOW : 0n;
    const fromBlockNumber = shared === null ? lowest : shared + 1n;
    const newest = await store.newestCertificate(rollupId);
    const throughBlockNumber = newest?.claim.blockNumber ?? blockNumber;
    let marked = 0;
    for (let from = fromBlockNumber; ; ) {
      const page = await store.listCertificates({ rollupId, from, limit: MAX_PAGE_ITEMS });
      const claims = page.map(({ domain, claim }) => ({
        blockNumber: claim.blockNumber,
        digest: claimDigest(domain, claim),
      }));
      // Each spans all of it, so that the first stops fast finality for the rest too.
      const span = { fromBlockNumber, throughBlockNumber };
      await engine.contradict(rollupId, { ...span, claims });
      const last = page.at(-1);
      if (last === undefined || page.length < MAX_PAGE_ITEMS) return;
      marked += page.length;
      if (marked >= MAX_MARKED) {
        this.#isBeyondBound = true;
        return;
      }
      from = last.claim.blockNumber + 1n;
      await nextTurn();
    }
  }

  #raise({ root, blockNumber }: Disputed, lastsMs?: number): void {
    const rollupId = this.#rollupId;
    const message =
      `L1 has settled block ${blockNumber} of rollup ${rollupId} as ${root.root} (transaction ` +
      `${root.transactionHash}), and a certificate here says something else. Nothing above is ` +
      "served as fast-final until the rollup's nodes and L1 are of one chain again.";
    const cause = { code: "settlement-contradicts", rollupId, severity: "critical" } as const;
    this.#ports.alerts.raise({ ...cause, message, ...(lastsMs !== undefined && { lastsMs }) });
  }
}
