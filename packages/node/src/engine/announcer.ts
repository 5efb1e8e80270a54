import { certificateRule } from "@mach/api";
import {
  type EngineState,
  finalityOf,
  type Report,
  toAttestation,
  toCertificate,
} from "@mach/core";
import type { Logger } from "pino";
import type { Alerts } from "../alerts.ts";
import { toFinality } from "../view/answers.ts";
import type { EventHub } from "../view/events.ts";
import type { Announcement } from "./shell.ts";

export interface AnnouncerPorts {
  readonly state: () => EngineState;
  readonly events: EventHub;
  readonly alerts: Alerts;
  readonly logger: Logger;
  readonly abstention: (rollupId: bigint) => string | null;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Tells readers, the log and the operator what the engine did, once it is stored. */
export interface Announcer {
  announce(announcement: Announcement): void;
  /** The heads of a rollup moved. */
  onHeads(rollupId: bigint): void;
}

/** One place where what happened becomes events, alerts and lines of the log. */
export function createAnnouncer(ports: AnnouncerPorts): Announcer {
  return new PortsAnnouncer(ports);
}

class PortsAnnouncer implements Announcer {
  readonly #ports: AnnouncerPorts;

  constructor(ports: AnnouncerPorts) {
    this.#ports = ports;
  }

  onHeads(rollupId: bigint): void {
    const { state, now, abstention, events } = this.#ports;
    const view = finalityOf(state(), rollupId, now());
    if (view === null) return;
    const data = toFinality(view, { now: now(), abstention: abstention(rollupId) });
    events.publish({ topic: "finality", rollupId, answer: { data } });
  }

  announce(announcement: Announcement): void {
    const { alerts, events, logger } = this.#ports;
    switch (announcement.type) {
      case "certificate":
        this.#onCertificate(announcement);
        return;
      case "evidence": {
        const { evidence } = announcement;
        logger.error({ kind: evidence.kind }, "evidence kept");
        const rollupId = "rollupId" in evidence ? evidence.rollupId : null;
        events.publish({ topic: "evidence", rollupId, answer: { data: evidence } });
        return;
      }
      case "contradiction": {
        const { rollupId, contradiction } = announcement;
        const { fromBlockNumber } = contradiction;
        logger.error({ rollupId, ...contradiction }, "contradiction");
        const message =
          `Certificates from height ${fromBlockNumber} on are contradicted: nothing above is ` +
          "served as fast-final until L1 has finalised past them.";
        const subject = fromBlockNumber.toString();
        alerts.raise({ code: "contradiction", severity: "critical", rollupId, subject, message });
        return;
      }
      case "sign-refused": {
        const { claim, code: subject } = announcement;
        const { rollupId, blockNumber } = claim;
        logger.warn({ rollupId, blockNumber, code: subject }, "the signer refused");
        const message = `The signer refused block ${blockNumber} (${subject}).`;
        alerts.raise({ code: "sign-refused", severity: "warning", rollupId, subject, message });
        return;
      }
      case "report":
        this.#onReport(announcement.report);
        return;
    }
  }

  #onCertificate(found: Extract<Announcement, { type: "certificate" }>): void {
    const { certificate, latencyMs } = found;
    const { signedWeight, totalWeight, claim } = certificate;
    const { rollupId, blockNumber, blockHash } = claim;
    this.#ports.logger.info(
      { rollupId, blockNumber, blockHash, signedWeight, totalWeight, latencyMs },
      "certificate stands",
    );
    const answer = { data: toCertificate(certificate), rule: certificateRule(certificate) };
    this.#ports.events.publish({ topic: "certificate", rollupId, answer });
    this.onHeads(rollupId);
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
        const code = "operator-disagrees";
        alerts.raise({ code, severity: "warning", rollupId, subject, message });
        return;
      }
      case "certificate-disagrees": {
        const { rollupId, blockNumber } = report.certificate.claim;
        logger.error({ rollupId, blockNumber }, "certificate for another block");
        const message =
          `A valid certificate at height ${blockNumber} names another block than this node ` +
          "verified: its RPC endpoints are wrong, or the sequencer has changed its chain.";
        const subject = blockNumber.toString();
        const code = "certificate-disagrees";
        alerts.raise({ code, severity: "critical", rollupId, subject, message });
        return;
      }
      case "abstained": {
        const { rollupId, blockNumber, reason: subject } = report;
        logger.warn({ rollupId, blockNumber, reason: subject }, "not signed");
        const message = `Block ${blockNumber} was not signed (${subject}).`;
        alerts.raise({ code: "abstained", severity: "warning", rollupId, subject, message });
        return;
      }
    }
  }
}
