import fc from "fast-check";
import { expect, it } from "vitest";
import { bitfieldIndices, type Hex, type VerifiedCertificate } from "../../src/index.ts";
import {
  attest,
  blockAt,
  claimAt,
  createTestNode,
  OPERATORS,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  type TestNode,
} from "./harness.ts";

const HEIGHTS = [1n, 2n, 3n];

interface Delivery {
  readonly node: number;
  readonly operator: number;
  readonly height: number;
  readonly branch: number;
}

/** Any order, any loss, repeats, and one operator (the lightest) that signs two branches. */
const deliveries = fc.array(
  fc.record({
    node: fc.nat({ max: 2 }),
    operator: fc.nat({ max: OPERATORS.length - 1 }),
    height: fc.nat({ max: HEIGHTS.length - 1 }),
    branch: fc.nat({ max: 1 }),
  }),
  { maxLength: 80 },
);

function createNodes(): TestNode[] {
  return [0, 1, 2].map(() => {
    const node = createTestNode();
    node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
    node.block(blockAt(1n));
    return node;
  });
}

function deliver(nodes: readonly TestNode[], delivery: Delivery): void {
  const operator = OPERATORS[delivery.operator];
  const height = HEIGHTS[delivery.height];
  const node = nodes[delivery.node];
  if (operator === undefined || height === undefined || node === undefined) return;
  const branch = delivery.operator === 0 ? delivery.branch : 0;
  node.receive(attest(operator, claimAt(height, branch)));
}

const heldAt = (node: TestNode, height: bigint): VerifiedCertificate | undefined =>
  node.state().rollups.get(ROLLUP_ID)?.certified.get(height)?.certificate;

it("nodes that exchange what they hold end with the same bytes, whatever came in what order", () => {
  fc.assert(
    fc.property(deliveries, fc.nat({ max: 80 }), (schedule, blocksAfter) => {
      const nodes = createNodes();
      for (const [i, delivery] of schedule.entries()) {
        if (i === blocksAfter) for (const node of nodes) node.block(blockAt(2n));
        deliver(nodes, delivery);
      }
      for (const node of nodes) for (const height of HEIGHTS) node.block(blockAt(height));
      for (const sender of nodes) {
        for (const receiver of nodes) {
          for (const certificate of [...sender.trace.certificates]) {
            receiver.receiveCertificate(certificate);
          }
        }
      }
      for (const height of HEIGHTS) {
        const held = new Set(nodes.map((node) => heldAt(node, height)?.certificateId));
        expect(held.size).toBe(1);
      }
    }),
    { numRuns: 300 },
  );
});

it("a certificate names only operators whose own signature was received for that very claim", () => {
  fc.assert(
    fc.property(deliveries, (schedule) => {
      const nodes = createNodes();
      const received = nodes.map(() => new Set<string>());
      for (const delivery of schedule) {
        deliver(nodes, delivery);
        const branch = delivery.operator === 0 ? delivery.branch : 0;
        const { operator, height } = delivery;
        received[delivery.node]?.add(`${operator}/${HEIGHTS[height]}/${branch}`);
      }
      for (const node of nodes) for (const height of HEIGHTS) node.block(blockAt(height));
      for (const [i, node] of nodes.entries()) {
        for (const { claim, signers } of node.trace.certificates) {
          for (const index of bitfieldIndices(signers)) {
            expect(received[i]).toContain(`${index}/${claim.blockNumber}/0`);
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});

it("an operator is convicted exactly when it signed two claims at one height", () => {
  fc.assert(
    fc.property(deliveries, (schedule) => {
      const [node] = createNodes();
      if (node === undefined) return;
      const signed = new Map<bigint, Set<number>>();
      for (const delivery of schedule) {
        deliver([node], { ...delivery, node: 0 });
        const height = HEIGHTS[delivery.height];
        if (delivery.operator !== 0 || height === undefined) continue;
        signed.set(height, (signed.get(height) ?? new Set()).add(delivery.branch));
      }
      const guilty: Hex[] = [...signed.values()].flatMap((branches) =>
        branches.size === 2 && OPERATORS[0] !== undefined ? [OPERATORS[0]] : [],
      );
      const accused = node.trace.evidence.flatMap((each) =>
        "operator" in each ? [each.operator] : each.operators,
      );
      expect(accused).toEqual(guilty);
    }),
    { numRuns: 200 },
  );
});
