import { expect, it } from "vitest";
import { bundleForBrowsers } from "./browser-bundle.ts";
import { findChromium, NO_CHROMIUM, runInChromium } from "./chromium.ts";
import { startNode } from "./replayed-node.ts";
import { certify, chainTo, claimOf, NETWORK, NOW, ROLLUP, setOf } from "./signed-network.ts";

// A browser's first start on a busy machine takes its time.
it("a page in Chromium verifies a block by three nodes, one of which lies", {
  timeout: 120_000,
}, async ({ skip }) => {
  const program = findChromium();
  if (program === null) skip(NO_CHROMIUM);
  const chain = chainTo(6);
  const fork = chainTo(6, 9);
  const certificate = certify(claimOf(chain[5] ?? fail()));
  const nodes = await Promise.all([startNode(), startNode(), startNode()]);
  for (const node of nodes) node.putChain(chain, certificate);
  const lie = { ...certificate, ...claimedFor(fork[5] ?? fail()) };
  nodes[0]?.putChain(fork, lie);
  try {
    const bundle = await bundleForBrowsers(sourceOf(nodes.map(({ url }) => url)));
    const result = await runInChromium(program ?? "", bundle);
    expect(result).toEqual({
      status: "fast-final",
      blockNumber: "3",
      blockHash: chain[3]?.blockHash,
      weightBps: 7000,
      pushed: "5",
    });
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
});

/** What the page runs: a question by height, and the first head that it is told of. */
function sourceOf(endpoints: readonly string[]): string {
  return `
    import { createMachClient } from "../src/index.ts";
    const mach = createMachClient({
      endpoints: ${JSON.stringify(endpoints)},
      network: {
        chainId: ${NETWORK.chainId}n,
        registry: "${NETWORK.registry}",
        genesisTime: ${NETWORK.genesisTime}n,
        epochSeconds: ${NETWORK.epochSeconds}n,
      },
      trust: { epoch: 2n, operatorSetHash: "${setOf(2n).operatorSetHash}" },
      now: () => ${NOW},
    });
    async function run() {
      const answer = await mach.getBlock({ rollupId: ${ROLLUP}n, block: 3n });
      const watched = await mach.watch({ rollupId: ${ROLLUP}n }).next();
      return {
        status: answer.status,
        blockNumber: String(answer.blockNumber),
        blockHash: answer.blockHash,
        weightBps: answer.facts?.weightBps,
        pushed: String(watched.value?.block?.blockNumber),
      };
    }
    run()
      .catch((error) => ({ error: String(error) }))
      .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
  `;
}

function claimedFor(block: Parameters<typeof claimOf>[0]): {
  readonly claim: ReturnType<typeof claimOf>;
} {
  return { claim: claimOf(block) };
}

function fail(): never {
  throw new RangeError("the chain has no such block");
}
