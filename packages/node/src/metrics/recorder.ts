import type { Alert } from "@mach/api";
import { type EngineState, type Report, requiredWeight } from "@mach/core";
import type { Announcement, ClaimSigner } from "../engine/ports.ts";
import type { Answered } from "../http/server.ts";
import type { Metrics, Sample } from "./registry.ts";

export interface RecorderPorts {
  readonly metrics: Metrics;
  readonly state: () => EngineState;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Counts and times what happens, as it happens. */
export interface Recorder {
  announce(announcement: Announcement): void;
  /** An alert as it now stands. */
  onAlert(alert: Alert): void;
  standingAlerts(): readonly Sample<"mach_alerts">[];
  /** The same signer, with its signatures timed. */
  timed(signer: ClaimSigner): ClaimSigner;
  onAnswered(answered: Answered): void;
}

/** Heights whose certificate is counted already: an improved one is no new one. */
const MAX_COUNTED = 4_096;

/** Turns the node's announcements into metrics. */
export function createRecorder(ports: RecorderPorts): Recorder {
  return new MetricsRecorder(ports);
}

class MetricsRecorder implements Recorder {
  readonly #ports: RecorderPorts;
  readonly #counted = new Set<string>();
  readonly #alerts = new Map<string, Alert>();

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  announce(announcement: Announcement): void {
    const { metrics } = this.#ports;
    switch (announcement.type) {
      case "certificate":
        this.#onCertificate(announcement);
        return;
      case "evidence":
        metrics.increment("mach_evidence_total", { kind: announcement.evidence.kind });
        return;
      case "contradiction": {
        const rollup = `${announcement.rollupId}`;
        metrics.increment("mach_contradictions_total", { rollup });
        return;
      }
      case "sign-refused": {
        const { claim, code: reason } = announcement;
        metrics.increment("mach_abstentions_total", { rollup: `${claim.rollupId}`, reason });
        return;
      }
      case "report":
        this.#onReport(announcement.report);
        return;
      case "evidence-full":
      case "set-update":
      case "set-update-refused":
        return;
    }
  }

  onAlert(alert: Alert): void {
    if (alert.clearedAt === null) this.#alerts.set(alert.alertId, alert);
    else this.#alerts.delete(alert.alertId);
  }

  standingAlerts(): readonly Sample<"mach_alerts">[] {
    const counts = new Map<string, Sample<"mach_alerts">>();
    for (const { code, severity } of this.#alerts.values()) {
      const key = `${code}/${severity}`;
      const value = (counts.get(key)?.value ?? 0) + 1;
      counts.set(key, { labels: { code, severity }, value });
    }
    return [...counts.values()];
  }

  timed(signer: ClaimSigner): ClaimSigner {
    const { metrics } = this.#ports;
    return {
      holds: (publicKey) => signer.holds(publicKey),
      lastSigned: (rollupId) => signer.lastSigned(rollupId),
      signSetUpdate: (request) => signer.signSetUpdate(request),
      async sign(request) {
        const startedAt = performance.now();
        const signed = await signer.sign(request);
        const seconds = (performance.now() - startedAt) / 1_000;
        const result = signed.ok ? "signed" : "refused";
        metrics.observe("mach_signer_seconds", { result }, seconds);
        return signed;
      },
    };
  }

  onAnswered({ route, status, seconds }: Answered): void {
    const kind = `${Math.floor(status / 100)}xx`;
    this.#ports.metrics.observe("mach_http_request_seconds", { route, status: kind }, seconds);
  }

  #onReport(report: Report): void {
    const { metrics } = this.#ports;
    switch (report.code) {
      case "attestation-counted":
        this.#onAttestation(report);
        return;
      case "disagreement": {
        const { claim, operator } = report;
        const rollup = `${claim.rollupId}`;
        metrics.increment("mach_operator_disagreements_total", { rollup, operator });
        return;
      }
      case "abstained": {
        const { rollupId, reason } = report;
        metrics.increment("mach_abstentions_total", { rollup: `${rollupId}`, reason });
        return;
      }
      case "certificate-disagrees":
      case "fork-locked":
      case "fork-released":
        return;
    }
  }

  #onAttestation(report: Extract<Report, { code: "attestation-counted" }>): void {
    const { metrics, state } = this.#ports;
    const { attestation, presentWeight } = report;
    const { claim, operator, weight } = attestation;
    const rollup = `${claim.rollupId}`;
    metrics.increment("mach_operator_attestations_total", { rollup, operator });
    const seconds = this.#secondsSince(claim.rollupId, claim.blockNumber);
    if (operator === state().options.operator) {
      metrics.increment("mach_own_attestations_total", { rollup });
      if (seconds !== null) {
        metrics.observe("mach_own_attestation_latency_seconds", { rollup }, seconds);
      }
    }
    const epoch = state().epochs.get(claim.epoch);
    const thresholdBps = epoch?.rollups.get(claim.rollupId)?.thresholdBps;
    if (epoch === undefined || thresholdBps === undefined || seconds === null) return;
    const required = requiredWeight(epoch.operatorSet.totalWeight, thresholdBps);
    const isReached = presentWeight >= required && presentWeight - weight < required;
    if (isReached) metrics.observe("mach_threshold_latency_seconds", { rollup }, seconds);
  }

  #onCertificate(found: Extract<Announcement, { type: "certificate" }>): void {
    const { metrics } = this.#ports;
    const { rollupId, blockNumber } = found.certificate.claim;
    const key = `${rollupId}/${blockNumber}`;
    if (this.#counted.has(key)) return;
    const oldest = this.#counted.values().next();
    if (this.#counted.size >= MAX_COUNTED && !oldest.done) this.#counted.delete(oldest.value);
    this.#counted.add(key);
    const rollup = `${rollupId}`;
    metrics.increment("mach_certificates_total", { rollup });
    if (found.latencyMs === null) return;
    metrics.observe("mach_certificate_latency_seconds", { rollup }, found.latencyMs / 1_000);
  }

  /** Since this node first saw a block; null where it has not, or not any more. */
  #secondsSince(rollupId: bigint, blockNumber: bigint): number | null {
    const { state, now } = this.#ports;
    const height = state().rollups.get(rollupId)?.heights.get(blockNumber);
    const observedAtMs = height?.observedAtMs ?? null;
    return observedAtMs === null ? null : Math.max(0, now() - observedAtMs) / 1_000;
  }
}
