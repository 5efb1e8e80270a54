import type { Alert } from "@mach/api";
import { expect, it } from "vitest";
import { createRecorder } from "../../src/metrics/recorder.ts";
import { createMetrics, type Metrics } from "../../src/metrics/registry.ts";
import {
  attest,
  claimAt,
  createEngineNode,
  OPERATORS,
  operatorAt,
  ROLLUP_ID,
  signerOf,
  useVerifier,
} from "../engine/engine-node.ts";

const verifier = useVerifier();
const POLL = { interval: 5, timeout: 20_000 };

async function readSeries(metrics: Metrics, series: string): Promise<number | null> {
  const text = await metrics.render();
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

it("a block's way to its certificate is timed at each station, and each vote counted", async () => {
  const metrics = createMetrics();
  const recorder = createRecorder({
    metrics,
    state: () => node.shell.state(),
    now: () => node.clock.now,
  });
  const node = createEngineNode({
    verifier: verifier(),
    engine: { operator: operatorAt(3) },
    signer: recorder.timed(signerOf(3)),
  });
  node.learn(0n);
  node.block(1n);
  await expect.poll(() => node.attestations.length, POLL).toBe(1);
  node.clock.now += 40;
  await node.shell.receiveAttestations([attest(0, claimAt(1n)), attest(1, claimAt(1n))]);
  await expect
    .poll(() => node.announced.filter(({ type }) => type === "certificate").length, POLL)
    .toBeGreaterThan(0);
  await node.shell.receiveAttestations([attest(2, claimAt(1n))]);
  node.clock.now += 5_000;
  node.shell.input({ type: "tick" });
  await node.shell.settle();
  for (const announcement of node.announced) recorder.announce(announcement);

  const rollup = `rollup="${ROLLUP_ID}"`;
  for (const operator of OPERATORS.slice(0, 4)) {
    const series = `mach_operator_attestations_total{${rollup},operator="${operator}"}`;
    expect(await readSeries(metrics, series)).toBe(1);
  }
  expect(await readSeries(metrics, `mach_own_attestations_total{${rollup}}`)).toBe(1);
  expect(await readSeries(metrics, `mach_certificates_total{${rollup}}`)).toBe(1);
  for (const station of ["own_attestation", "threshold", "certificate"]) {
    const name = `mach_${station}_latency_seconds_count{${rollup}}`;
    expect(await readSeries(metrics, name), name).toBe(1);
  }
  expect(await readSeries(metrics, `mach_certificate_latency_seconds_sum{${rollup}}`)).toBe(0.04);
  expect(await readSeries(metrics, 'mach_signer_seconds_count{result="signed"}')).toBe(1);
});

it("what is not signed is counted with its reason, and alerts while they stand", async () => {
  const metrics = createMetrics();
  const node = createEngineNode({ verifier: verifier() });
  const recorder = createRecorder({
    metrics,
    state: () => node.shell.state(),
    now: () => node.clock.now,
  });
  const claim = claimAt(1n);
  recorder.announce({ type: "sign-refused", claim, code: "fork-locked" });
  recorder.announce({
    type: "report",
    report: { code: "abstained", rollupId: ROLLUP_ID, blockNumber: 2n, reason: "not-in-set" },
  });
  recorder.announce({
    type: "report",
    report: { code: "disagreement", claim, operator: operatorAt(1) },
  });
  const rollup = `rollup="${ROLLUP_ID}"`;
  for (const reason of ["fork-locked", "not-in-set"]) {
    expect(await readSeries(metrics, `mach_abstentions_total{${rollup},reason="${reason}"}`)).toBe(
      1,
    );
  }
  const disagreements = `mach_operator_disagreements_total{${rollup},operator="${operatorAt(1)}"}`;
  expect(await readSeries(metrics, disagreements)).toBe(1);

  const alert: Omit<Alert, "alertId"> = {
    ...{ code: "source-failing", rollupId: 1n, message: "…", raisedAt: 1n, clearedAt: null },
    severity: "warning",
  };
  recorder.onAlert({ ...alert, alertId: "a" });
  recorder.onAlert({ ...alert, alertId: "b" });
  const labels = { code: "source-failing", severity: "warning" };
  expect(recorder.standingAlerts()).toEqual([{ labels, value: 2 }]);
  recorder.onAlert({ ...alert, alertId: "a", clearedAt: 2n });
  recorder.onAlert({ ...alert, alertId: "b", clearedAt: 2n });
  expect(recorder.standingAlerts()).toEqual([]);
});
