import { expect, it } from "vitest";
import { withContext } from "../../scripts/bench/bench-context.ts";
import { benchCertificate } from "../../scripts/bench/certificate.ts";

it("the way from a block to its certificate is measured on a whole network", async () => {
  const { signal } = new AbortController();
  const counts = { rounds: 1, blocks: 1, warmUp: 1, operators: [4], delaysMs: [] };
  const rows = await withContext({ signal, progress: () => undefined }, (context) =>
    benchCertificate(context, counts),
  );
  expect(rows.map(({ name, ratio }) => [name, Number.isFinite(ratio)])).toEqual([
    ["new block to certificate, 4 operators, p50", true],
    ["new block to certificate, 4 operators, p99", true],
    ["block visible to own attestation sent, 4 operators, p50", true],
    ["block visible to threshold reached, 4 operators, p50", true],
    ["block visible to certificate stored, 4 operators, p50", true],
    ["block visible to event at a reader, 4 operators, p50", true],
  ]);
});
