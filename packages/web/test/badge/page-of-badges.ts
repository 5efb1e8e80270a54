import { onTestFinished } from "vitest";
import { type ReplayedNode, startNode } from "../../../sdk/test/replayed-node.ts";
import {
  certify,
  chainTo,
  claimOf,
  NETWORK,
  NOW,
  ROLLUP,
  setOf,
  type TestBlock,
} from "../../../sdk/test/signed-network.ts";
import type { FinalityDetail } from "../../src/badge/finding.ts";
import { createPage, type Page, type PagePorts } from "../../src/badge/page.ts";
import { type QuestionAttribute, readQuestion } from "../../src/badge/question.ts";
import { createVerifier } from "../../src/badge/verifier.ts";

export const CHAIN: readonly TestBlock[] = chainTo(12);
export const CERTIFIED: TestBlock = blockAt(CHAIN, 10);
export const CERTIFICATE = certify(claimOf(CERTIFIED));
/** The attributes by which a badge checks what it is told. */
export const TRUSTING = {
  network: JSON.stringify(NETWORK, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
  trust: `2:${setOf(2n).operatorSetHash}`,
} as const;

export function blockAt(chain: readonly TestBlock[], height: number): TestBlock {
  const block = chain[height];
  if (block === undefined) throw new RangeError(`no block ${height}`);
  return block;
}

/** So many nodes, which end with the test. */
export async function startNodes(count: number): Promise<readonly ReplayedNode[]> {
  const nodes = await Promise.all(Array.from({ length: count }, startNode));
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });
  for (const node of nodes) node.putChain(CHAIN, CERTIFICATE);
  return nodes;
}

export interface TestPage extends Page {
  /** Shows a badge, and gives all that it has shown, the newest last. */
  ask(attributes: { readonly [Name in QuestionAttribute]?: string | undefined }): {
    readonly shown: readonly FinalityDetail[];
    readonly now: () => FinalityDetail | undefined;
    readonly leave: () => void;
  };
  /** Lets both clocks go forward, milliseconds. */
  skip(ms: number): void;
}

/** A page of badges in the network's time. */
export function openPage(change: Partial<PagePorts> = {}): TestPage {
  let skipped = 0;
  const began = performance.now();
  const page = createPage({
    fetch: globalThis.fetch,
    clock: {
      now() {
        const steadyMs = performance.now() - began + skipped;
        return { steadyMs, wallMs: NOW + steadyMs };
      },
    },
    loadVerifier: async (options) => createVerifier(options),
    isHidden: () => false,
    ...change,
  });
  return {
    ...page,
    ask(attributes) {
      const all: typeof attributes = { rollup: `${ROLLUP}`, ...attributes };
      const read = readQuestion((name) => all[name] ?? null);
      if (!read.ok) throw new Error(`bad attribute: ${read.attribute}`);
      const shown: FinalityDetail[] = [];
      const leave = page.watch(read.question, (detail) => shown.push(detail));
      onTestFinished(leave);
      return { shown, now: () => shown.at(-1), leave };
    },
    skip(ms) {
      skipped += ms;
    },
  };
}

export function urlsOf(nodes: readonly ReplayedNode[]): string {
  return nodes.map(({ url }) => url).join(" ");
}
