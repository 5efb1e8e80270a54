import { certificateRule } from "@mach/api";
import {
  claimDigest,
  type EngineState,
  epochAt,
  epochStart,
  type FalseSetUpdate,
  type FinalityView,
  finalityOf,
  openContradiction,
  type Report,
  setUpdateProgress,
  toAttestation,
  toCertificate,
  toSetUpdate,
  type VerifiedCertificate,
  type VerifiedSetUpdate,
} from "@mach/core";
import type { Logger } from "pino";
import { type Alerts, EVENT_LASTS_MS } from "../alerts.ts";
import { toFinality } from "../view/answers.ts";
import type { EventHub } from "../view/events.ts";
import type { ParticipationKeeper } from "./participation.ts";
import type { Announcement } from "./ports.ts";

export interface AnnouncerPorts {
  readonly state: () => EngineState;
  readonly events: EventHub;
  readonly alerts: Alerts;
  readonly logger: Logger;
  readonly abstention: (rollupId: bigint) => string | null;
  /** Told of everything first. */
  readonly participation: Pick<ParticipationKeeper, "announce" | "onBlock" | "onTick">;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Tells readers, the log and the operator what the engine did, once it is stored. */
export interface Announcer {
  announce(announcement: Announcement): void;
  /** The node has a new block of a rollup. */
  onBlock(rollupId: bigint): void;
  /** The heads of a rollup moved. */
  onHeads(rollupId: bigint): void;
  /** The engine has what the store kept: what still stands of it is said again. */
  onRestored(): void;
  /** Time has passed: an epoch may have begun. */
  onTick(): void;
}

/** How long blocks may come without certificates before the operator is told. */
const STALL_MS = 10_000;
const UPDATE_MISSING = { code: "set-update-missing", rollupId: null } as const;

/** One place where what happened becomes events, alerts and lines of the log. */
export function createAnnouncer(ports: AnnouncerPorts): Announcer {
  return new PortsAnnouncer(ports);
}

class PortsAnnouncer implements Announcer {
  readonly #ports: AnnouncerPorts;
  readonly #stalledSinceMs = new Map<bigint, number>();
  #epoch: bigint | null = null;
  #updateMissingSinceMs: number | null = null;

  constructor(ports: AnnouncerPorts) {
    this.#ports = ports;
  }

  onBlock(rollupId: bigint): void {
    this.#ports.participation.onBlock(rollupId);
    this.onHeads(rollupId);
  }

  onHeads(rollupId: bigint): void {
    const { state, now, abstention, events, alerts } = this.#ports;
    const view = finalityOf(state(), rollupId, now());
    if (view === null) return;
    if (view.reason?.code !== "contradicted") alerts.clear({ code: "contradiction", rollupId });
    this.#noteStall(view);
    const lock = state().rollups.get(rollupId)?.lock ?? null;
    const data = toFinality(view, { now: now(), abstention: abstention(rollupId) ?? lock });
    events.publish({ topic: "finality", rollupId, answer: { data } });
  }

  onRestored(): void {
    for (const rollup of this.#ports.state().rollups.values()) {
      const open = openContradiction(rollup);
      if (open !== null) this.#raiseContradiction(rollup.rollupId, open.fromBlockNumber);
    }
  }

  onTick(): void {
    this.#ports.participation.onTick();
    const { state, now, events } = this.#ports;
    const { schedule } = state().options;
    const epoch = epochAt(schedule, BigInt(Math.floor(now() / 1_000)));
    const before = this.#epoch;
    if (epoch === null || (before !== null && epoch <= before)) {
      this.#noteMissingUpdate();
      return;
    }
    this.#epoch = epoch;
    this.#clearMissingUpdate();
    // The one that runs already when the node starts has not begun in its time.
    if (before === null) return;
    const operatorSetHash = state().epochs.get(epoch)?.operatorSet.operatorSetHash ?? null;
    const held = state().setUpdates.get(epoch)?.held ?? null;
    const update = held && toSetUpdate(held);
    const data = { epoch, operatorSetHash, startsAt: epochStart(schedule, epoch), update };
    events.publish({ topic: "epoch", rollupId: null, answer: { data } });
  }

  announce(announcement: Announcement): void {
    const { alerts, events, logger, participation } = this.#ports;
    participation.announce(announcement);
    switch (announcement.type) {
      case "certificate":
        this.#onCertificate(announcement);
        return;
      case "evidence": {
        const { evidence } = announcement;
        logger.error({ kind: evidence.kind }, "evidence kept");
        const rollupId = "rollupId" in evidence ? evidence.rollupId : null;
        events.publish({ topic: "evidence", rollupId, answer: { data: evidence } });
        if (evidence.kind === "false-set-update") this.#raiseFalseUpdate(evidence);
        return;
      }
      case "evidence-full": {
        logger.error({ kind: announcement.evidence.kind }, "evidence not kept: the store is full");
        const message = "Valid evidence was not kept, because the store holds as much as it may.";
        alerts.raise({ code: "evidence-full", severity: "critical", rollupId: null, message });
        return;
      }
      case "set-update":
        this.#onSetUpdate(announcement.update);
        return;
      case "set-update-refused": {
        const { epoch, code: subject } = announcement;
        logger.warn({ epoch, code: subject }, "the signer refused a set update");
        const message = `The signer refused the set update into epoch ${epoch} (${subject}).`;
        const cause = { code: "set-update-refused", rollupId: null, subject } as const;
        alerts.raise({ ...cause, severity: "warning", message, lastsMs: EVENT_LASTS_MS });
        return;
      }
      case "contradiction": {
        const { rollupId, contradiction } = announcement;
        logger.error({ rollupId, ...contradiction }, "contradiction");
        this.#raiseContradiction(rollupId, contradiction.fromBlockNumber);
        this.onHeads(rollupId);
        return;
      }
      case "sign-refused": {
        const { claim, code: subject } = announcement;
        const { rollupId, blockNumber } = claim;
        logger.warn({ rollupId, blockNumber, code: subject }, "the signer refused");
        // A reorg came first: it has an alert of its own, and the block in its place is signed.
        if (subject === "no-longer-wanted") return;
        const message = `The signer refused block ${blockNumber} (${subject}).`;
        const cause = { code: "sign-refused", rollupId, subject, lastsMs: EVENT_LASTS_MS } as const;
        alerts.raise({ ...cause, severity: "warning", message });
        return;
      }
      case "report":
        this.#onReport(announcement.report);
        return;
    }
  }

  /** Contracts elsewhere cannot follow the sets: said while it can still be mended. */
  #noteMissingUpdate(): void {
    const { state, now, alerts } = this.#ports;
    const epoch = this.#epoch;
    if (epoch === null || epoch < 1n) return;
    const progress = setUpdateProgress(state(), epoch);
    const held = state().setUpdates.get(epoch)?.held ?? null;
    if (progress === null || held !== null || !state().epochs.has(epoch)) {
      this.#clearMissingUpdate();
      return;
    }
    this.#updateMissingSinceMs ??= now();
    if (now() < this.#updateMissingSinceMs + STALL_MS) return;
    const { presentWeight, requiredWeight } = progress;
    const message =
      `No set update stands for epoch ${epoch}, which has begun: ${presentWeight} of ` +
      `${requiredWeight} of the weight have signed. Contracts on other chains stop following.`;
    alerts.raise({ ...UPDATE_MISSING, severity: "warning", message });
  }

  #clearMissingUpdate(): void {
    this.#updateMissingSinceMs = null;
    this.#ports.alerts.clear(UPDATE_MISSING);
  }

  #raiseContradiction(rollupId: bigint, fromBlockNumber: bigint): void {
    const message =
      `Certificates from height ${fromBlockNumber} on are contradicted: nothing above is ` +
      "served as fast-final until L1 has finalised past them.";
    const code = "contradiction";
    this.#ports.alerts.raise({ code, severity: "critical", rollupId, message });
  }

  #onSetUpdate(held: VerifiedSetUpdate): void {
    const { events, logger, state } = this.#ports;
    const { epoch, operatorSetHash, signedWeight, totalWeight } = held;
    logger.info({ epoch, operatorSetHash, signedWeight, totalWeight }, "set update stands");
    const startsAt = epochStart(state().options.schedule, epoch);
    const data = { epoch, operatorSetHash, startsAt, update: toSetUpdate(held) };
    events.publish({ topic: "epoch", rollupId: null, answer: { data } });
  }

  #raiseFalseUpdate({ operators, update }: FalseSetUpdate): void {
    const { epoch, operatorSetHash } = update;
    const count = operators.length;
    const message =
      `${count === 1 ? `Operator ${operators[0]}` : `${count} operators`} signed the hash ` +
      `${operatorSetHash} for epoch ${epoch}, which is not the registry's: see /v1/evidence.`;
    const cause = { code: "false-set-update", rollupId: null, subject: `${epoch}` } as const;
    this.#ports.alerts.raise({ ...cause, severity: "critical", message, lastsMs: EVENT_LASTS_MS });
  }

  #onCertificate(found: Extract<Announcement, { type: "certificate" }>): void {
    const { certificate, latencyMs } = found;
    const { signedWeight, totalWeight, claim } = certificate;
    const { rollupId, blockNumber, blockHash } = claim;
    this.#ports.logger.info(
      { rollupId, blockNumber, blockHash, signedWeight, totalWeight, latencyMs },
      "certificate stands",
    );
    // What is not served must not be pushed either.
    if (this.#isServed(certificate)) {
      const answer = { data: toCertificate(certificate), rule: certificateRule(certificate) };
      this.#ports.events.publish({ topic: "certificate", rollupId, answer });
    }
    this.onHeads(rollupId);
  }

  /** New blocks without certificates for too long: said once, and cleared by the next. */
  #noteStall({ rollupId, reason, fastFinal }: FinalityView): void {
    const { alerts, now } = this.#ports;
    const cause = { code: "finality-stalled", rollupId } as const;
    if (reason === null || reason.code === "no-block") {
      this.#stalledSinceMs.delete(rollupId);
      alerts.clear(cause);
      return;
    }
    const since = this.#stalledSinceMs.get(rollupId) ?? now();
    this.#stalledSinceMs.set(rollupId, since);
    if (now() < since + STALL_MS) return;
    const { code, presentWeight, requiredWeight } = reason;
    const isShort = code === "below-threshold" || code === "split";
    const weights = isShort ? `: ${presentWeight} of ${requiredWeight}` : "";
    const last = fastFinal === null ? "none stands" : `the last is at ${fastFinal.blockNumber}`;
    const message =
      `Rollup ${rollupId} gets no certificates (${code}${weights}); ${last}. ` +
      (code === "split"
        ? "A reorg of the sequencer has split the operators, and none may sign both branches: " +
          "what L1 finalises decides, and certificates come again after it."
        : "See which operators are missing, and the L1.");
    alerts.raise({ ...cause, severity: "critical", message });
  }

  #isServed({ claim, domain }: VerifiedCertificate): boolean {
    const rollup = this.#ports.state().rollups.get(claim.rollupId);
    if (rollup === undefined) return false;
    const open = openContradiction(rollup);
    if (open !== null && claim.blockNumber >= open.fromBlockNumber) return false;
    return !rollup.contradicted.has(claimDigest(domain, claim));
  }

  #raiseForkLock({ last, blockNumber }: Extract<Report, { code: "fork-locked" }>): void {
    const { alerts, logger } = this.#ports;
    const { rollupId } = last;
    logger.warn({ rollupId, blockNumber, last: last.blockNumber }, "fork lock holds");
    const message =
      `Rollup ${rollupId} is at height ${blockNumber} without the block ${last.blockHash} that ` +
      `this operator signed at height ${last.blockNumber}. Nothing is signed until a certificate ` +
      "stands on the new branch at that height or above, or L1 has finalised it there. Nothing " +
      "has to be done.";
    const cause = { code: "fork-locked", rollupId, severity: "warning" } as const;
    alerts.raise({ ...cause, message });
  }

  #onReport(report: Report): void {
    const { events, alerts, logger } = this.#ports;
    switch (report.code) {
      case "attestation-counted": {
        const { attestation } = report;
        const { rollupId } = attestation.claim;
        const answer = { data: toAttestation(attestation), weight: attestation.weight };
        events.publish({ topic: "attestation", rollupId, answer });
        return;
      }
      case "disagreement": {
        const { claim, operator: subject } = report;
        const { rollupId, blockNumber } = claim;
        logger.warn({ rollupId, blockNumber, operator: subject }, "operator disagrees");
        const message = `Operator ${subject} attested another claim at height ${blockNumber}.`;
        const cause = { code: "operator-disagrees", rollupId, subject } as const;
        alerts.raise({ ...cause, severity: "warning", message, lastsMs: EVENT_LASTS_MS });
        return;
      }
      case "certificate-disagrees": {
        const { rollupId, blockNumber } = report.certificate.claim;
        logger.error({ rollupId, blockNumber }, "certificate for another block");
        const message =
          `A valid certificate at height ${blockNumber} names another block than this node ` +
          "verified: its RPC endpoints are wrong, or the sequencer has changed its chain.";
        const cause = { code: "certificate-disagrees", rollupId } as const;
        alerts.raise({ ...cause, severity: "critical", message, lastsMs: EVENT_LASTS_MS });
        return;
      }
      case "fork-locked":
        this.#raiseForkLock(report);
        return;
      case "fork-released": {
        const { claim, release } = report;
        const { rollupId, blockNumber } = claim;
        logger.info({ rollupId, blockNumber, release: release?.kind ?? null }, "lock released");
        alerts.clear({ code: "fork-locked", rollupId });
        return;
      }
      case "abstained": {
        const { rollupId, blockNumber, reason: subject } = report;
        logger.warn({ rollupId, blockNumber, reason: subject }, "not signed");
        // It lasts, and has an alert of its own.
        if (subject === "fork-locked") return;
        const message = `Block ${blockNumber} was not signed (${subject}).`;
        const cause = { code: "abstained", rollupId, subject, lastsMs: EVENT_LASTS_MS } as const;
        alerts.raise({ ...cause, severity: "warning", message });
        return;
      }
    }
  }
}
