import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Evidence } from "@mach/core";
import type { Logger } from "pino";
import { contestedHeights } from "./pruning.ts";
import { type EvidenceEntry, PRUNE_BATCH, type PruneStep, type Store } from "./store.ts";

export interface PrunerPorts {
  readonly store: Store;
  /** The epoch that is now, by L1 and by the clock; null where either does not tell. */
  readonly currentEpoch: () => bigint | null;
  /** Below which height nothing of a rollup is open any more; null where that is not known. */
  readonly closedBelow: (rollupId: bigint) => bigint | null;
  /** Told of evidence that has gone. */
  readonly onEvidenceGone: (evidence: Evidence) => void;
  readonly logger: Pick<Logger, "info" | "error">;
}

export interface PrunerOptions {
  readonly rollupIds: readonly bigint[];
  readonly certificateEpochs: number;
  readonly setEpochs: number;
  readonly evidenceEpochs: number;
  /** The pause between two passes, milliseconds. */
  readonly pauseMs: number;
  /** The pause between two batches, milliseconds: signatures wait for the same disk. */
  readonly batchPauseMs: number;
}

/** Evidence may have its headers with it. */
const EVIDENCE_PAGE = 16;

/** Removes in the background what the store need not keep, a batch in a turn of the event loop. */
export interface Pruner {
  start(): void;
  /** One pass over all that is due; how many rows went. Rejects where the store fails. */
  pass(): Promise<number>;
  /** Resolves when nothing is under way. */
  stop(): Promise<void>;
}

/** A pruner whose passes end early when it is stopped: the next one goes on from there. */
export function createPruner(ports: PrunerPorts, options: PrunerOptions): Pruner {
  return new StorePruner(ports, options);
}

class StorePruner implements Pruner {
  readonly #ports: PrunerPorts;
  readonly #options: PrunerOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<number> | null = null;
  #isStopped = false;
  /** The epoch in which sets and evidence were gone through: once an epoch is enough. */
  #sweptIn: bigint | null = null;

  constructor(ports: PrunerPorts, options: PrunerOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.pass().catch((err: unknown) => {
        // What cannot be removed takes up room and harms nobody: it is tried again.
        this.#ports.logger.error({ err }, "the store could not be pruned");
      });
    }, this.#options.pauseMs);
    this.#timer.unref();
  }

  async pass(): Promise<number> {
    this.#running ??= this.#pass().finally(() => {
      this.#running = null;
    });
    return await this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    // Its failure was told where the pass was asked for.
    await this.#running?.catch(() => undefined);
  }

  async #pass(): Promise<number> {
    const current = this.#ports.currentEpoch();
    if (current === null) return 0;
    const { rollupIds, certificateEpochs } = this.#options;
    const belowEpoch = lowestKept(current, certificateEpochs);
    let removed = 0;
    const failures: unknown[] = [];
    // A damaged row of one rollup must not let all others grow for ever.
    const attempt = async (work: () => Promise<number>): Promise<void> => {
      try {
        removed += await work();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const rollupId of rollupIds) {
      const belowBlock = this.#ports.closedBelow(rollupId);
      if (belowBlock === null || belowEpoch <= 0n) continue;
      const step = { kind: "certificates", rollupId, belowBlock, belowEpoch } as const;
      await attempt(() => this.#run(step));
    }
    if (this.#sweptIn !== current && !this.#isStopped) {
      const { evidenceEpochs, setEpochs } = this.#options;
      const failedBefore = failures.length;
      await attempt(() => this.#sweepEvidence(lowestKept(current, evidenceEpochs)));
      await attempt(() => this.#sweepSets(lowestKept(current, setEpochs)));
      if (!this.#isStopped && failures.length === failedBefore) this.#sweptIn = current;
    }
    if (removed > 0) this.#ports.logger.info({ removed }, "store pruned");
    if (failures.length > 0) throw failures[0];
    return removed;
  }

  async #run(step: PruneStep): Promise<number> {
    let removed = 0;
    while (!this.#isStopped) {
      const batch = await this.#ports.store.prune(step);
      removed += batch.removed;
      if (batch.isDone) break;
      await this.#rest();
    }
    return removed;
  }

  async #sweepEvidence(belowEpoch: bigint): Promise<number> {
    if (belowEpoch <= 0n) return 0;
    let removed = 0;
    // Removed as it is found: all that is old at once could be more than memory takes.
    let old: EvidenceEntry[] = [];
    for await (const entry of this.#allEvidence()) {
      if (epochsOf(entry.evidence).every((epoch) => epoch < belowEpoch)) old.push(entry);
      if (old.length < PRUNE_BATCH) continue;
      removed += await this.#removeEvidence(old);
      old = [];
    }
    return removed + (await this.#removeEvidence(old));
  }

  async #removeEvidence(batch: readonly EvidenceEntry[]): Promise<number> {
    if (batch.length === 0 || this.#isStopped) return 0;
    const { store, onEvidenceGone } = this.#ports;
    const evidenceIds = batch.map(({ evidenceId }) => evidenceId);
    const { removed } = await store.prune({ kind: "evidence", evidenceIds });
    for (const { evidenceId, evidence } of batch) {
      if ((await store.evidenceById(evidenceId)) === null) onEvidenceGone(evidence);
    }
    await this.#rest();
    return removed;
  }

  async #sweepSets(belowEpoch: bigint): Promise<number> {
    const { store } = this.#ports;
    const below = belowEpoch <= 0n ? [] : await store.epochsBelow(belowEpoch);
    if (below.length === 0) return 0;
    const except = new Set<bigint>();
    for await (const { evidence } of this.#allEvidence()) {
      for (const epoch of epochsOf(evidence)) except.add(epoch);
    }
    for (const rollupId of this.#options.rollupIds) {
      for (const epoch of await this.#setsOf(rollupId, below)) except.add(epoch);
    }
    return await this.#run({ kind: "sets", belowEpoch, except });
  }

  /** The epochs, of those below, whose sets certificates are checked under that are kept. */
  async #setsOf(rollupId: bigint, below: readonly bigint[]): Promise<readonly bigint[]> {
    const { store } = this.#ports;
    const from = await store.keptFrom({ kind: "certificates", rollupId });
    const [lowest] = await store.listCertificates({ rollupId, from, limit: 1 });
    // Epochs do not fall along a chain: all that stand above need no earlier sets.
    const needed = lowest === undefined ? [] : below.filter((each) => each >= lowest.claim.epoch);
    for (const height of contestedHeights(await store.contradictions(rollupId))) {
      const certificate = await store.certificateAt(rollupId, height);
      if (certificate !== null) needed.push(certificate.claim.epoch);
    }
    return needed;
  }

  /** Signing and certifying come first. */
  async #rest(): Promise<void> {
    const { batchPauseMs } = this.#options;
    await (batchPauseMs === 0 ? nextTurn() : sleep(batchPauseMs));
  }

  async *#allEvidence(): AsyncGenerator<EvidenceEntry> {
    for (let from = 0n; !this.#isStopped; ) {
      const page = await this.#ports.store.listEvidence({ from, limit: EVIDENCE_PAGE });
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      from = last.position + 1n;
      await nextTurn();
    }
  }
}

/** The epochs of the sets that evidence is checked under. */
function epochsOf(evidence: Evidence): readonly bigint[] {
  switch (evidence.kind) {
    case "double-attestation":
      return [evidence.first.claim.epoch, evidence.second.claim.epoch];
    case "attestation-against-certificate":
      return [evidence.attestation.claim.epoch, evidence.certificate.claim.epoch];
    case "conflicting-certificates":
      return [evidence.lower.claim.epoch, evidence.higher.claim.epoch];
    case "false-set-update":
      return [evidence.update.epoch - 1n, evidence.update.epoch];
  }
}

/** The lowest epoch of so many, the current one being the highest. */
function lowestKept(current: bigint, epochs: number): bigint {
  return current - BigInt(epochs) + 1n;
}
