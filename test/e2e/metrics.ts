import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { DEFINITIONS } from "../../packages/node/src/metrics/definitions.ts";
import { until } from "./api.ts";

/** What an operator that signs and sees certificates has counted: in the end more than nothing. */
const COUNTED = [
  "mach_certificates_total",
  "mach_certificate_latency_seconds_count",
  "mach_threshold_latency_seconds_count",
  "mach_own_attestation_latency_seconds_count",
  "mach_own_attestations_total",
  "mach_rollup_participation_ratio",
] as const;

/** Expects an operator's metrics to tell what it does on each of these rollups. */
export async function expectMetrics(
  operator: { readonly logFile: string },
  rollups: readonly { readonly rollupId: bigint }[],
): Promise<void> {
  const [, url = ""] = /"metrics":"([^"]+)"/.exec(readFileSync(operator.logFile, "utf8")) ?? [];
  const text = await until("metrics of every rollup", async () => {
    const scraped = await (await fetch(url)).text();
    const isCounted = ({ rollupId }: { readonly rollupId: bigint }): boolean =>
      COUNTED.every((name) =>
        new RegExp(`^${name}\\{rollup="${rollupId}"\\} (?!0$)`, "m").test(scraped),
      );
    return rollups.every(isCounted) ? scraped : null;
  });
  expect(text).toMatch(/^mach_node_info\{version="[^"]+",role="operator"\} 1$/m);
  const heads = DEFINITIONS.mach_rollup_head_block.labels.map((label) => `${label}="[^"]+"`);
  expect(text).toMatch(new RegExp(`^mach_rollup_head_block\\{${heads.join(",")}\\} \\d+$`, "m"));
  expect(text).toMatch(/^mach_signer_seconds_count\{result="signed"\} [1-9]/m);
}
