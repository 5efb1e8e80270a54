import { certificateRule } from "@mach/api";
import {
  type EngineState,
  type Evidence,
  finalityOf,
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
  const { events, alerts, logger } = ports;

  function onHeads(rollupId: bigint): void {
    const view = finalityOf(ports.state(), rollupId, ports.now());
    if (view === null) return;
    const context = { now: ports.now(), abstention: ports.abstention(rollupId) };
    const data = toFinality(view, context);
    events.publish({ topic: "finality", rollupId, answer: { data } });
  }

  function onCertificate(found: Extract<Announcement, { type: "certificate" }>): void {
    const { certificate, latencyMs } = found;
    const { rollupId, blockNumber, blockHash } = certificate.claim;
    const { signedWeight, totalWeight } = certificate;
    logger.info(
      { rollupId, blockNumber, blockHash, signedWeight, totalWeight, latencyMs },
      "certificate stands",
    );
    const rule = certificateRule(certificate);
    const answer = { data: toCertificate(certificate), rule };
    events.publish({ topic: "certificate", rollupId, answer });
    onHeads(rollupId);
  }

  function onReport(report: Extract<Announcement, { type: "report" }>["report"]): void {
    switch (report.code) {
      case "attestation-counted": {
        const { attestation } = report;
        const { rollupId } = attestation.claim;
        const answer = { data: toAttestation(attestation), weight: attestation.weight };
        events.publish({ topic: "attestation", rollupId, answer });
        return;
      }
      case "fast-final":
        return;
      case "disagreement": {
        const { claim, operator } = report;
        const { rollupId, blockNumber } = claim;
        logger.warn({ rollupId, blockNumber, operator }, "operator attested another claim");
        const message = `Operator ${operator} attested another claim at height ${blockNumber}.`;
        const code = "operator-disagrees";
        alerts.raise({ code, severity: "warning", rollupId, subject: operator, message });
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
        const { rollupId, blockNumber, reason } = report;
        logger.warn({ rollupId, blockNumber, reason }, "not signed");
        const message = `Block ${blockNumber} was not signed (${reason}).`;
        const code = "abstained";
        alerts.raise({ code, severity: "warning", rollupId, subject: reason, message });
        return;
      }
    }
  }

  return {
    onHeads,
    announce(announcement) {
      switch (announcement.type) {
        case "certificate":
          onCertificate(announcement);
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
          const code = "contradiction";
          alerts.raise({ code, severity: "critical", rollupId, subject, message });
          return;
        }
        case "sign-refused": {
          const { claim, code: subject } = announcement;
          const { rollupId, blockNumber } = claim;
          logger.warn({ rollupId, blockNumber, code: subject }, "the signer refused");
          const message = `The signer refused block ${blockNumber} (${subject}).`;
          const code = "sign-refused";
          alerts.raise({ code, severity: "warning", rollupId, subject, message });
          return;
        }
        case "report":
          onReport(announcement.report);
          return;
      }
    },
  };
}
