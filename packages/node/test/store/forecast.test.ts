import { expect, it } from "vitest";
import { forecastBytes, forecastOf } from "../../src/store/forecast.ts";
import {
  createEngineNode,
  operatorSetOf,
  PARAMETERS,
  SCHEDULE,
  useVerifier,
} from "../engine/engine-node.ts";

const DAY = 86_400;
const RETENTION = { certificateEpochs: 90, setEpochs: 366 };
const verifier = useVerifier();

it("comes to what is kept of all rollups, and of the sets by their operators", () => {
  const facts = { retention: RETENTION, epochSeconds: DAY, operators: 0, rollups: [] };
  const rollup = { blockSeconds: 2, attestationInterval: 10 };
  const sets = forecastBytes(facts);
  const one = forecastBytes({ ...facts, rollups: [rollup] }) - sets;
  expect(one).toBe(91 * 4_320 * 5_500);
  expect(forecastBytes({ ...facts, rollups: [rollup, rollup] }) - sets).toBe(2 * one);
  const faster = { blockSeconds: 2, attestationInterval: 1 };
  expect(forecastBytes({ ...facts, rollups: [faster] }) - sets).toBe(10 * one);
  expect(forecastBytes({ ...facts, operators: 100 }) - sets).toBe(367 * 100 * 400);
});

it("is told by the blocks that a node has seen, and not before it has seen some", () => {
  const node = createEngineNode({ verifier: verifier() });
  expect(forecastOf(node.shell.state(), RETENTION)).toBeNull();
  node.shell.input({
    type: "set-known",
    operatorSet: operatorSetOf(0n),
    rollups: [{ ...PARAMETERS, attestationInterval: 2n }],
  });
  node.block(1n);
  expect(forecastOf(node.shell.state(), RETENTION)).toBeNull();
  for (let number = 2n; number <= 9n; number += 1n) node.block(number);
  expect(forecastOf(node.shell.state(), RETENTION)).toBe(
    forecastBytes({
      retention: RETENTION,
      epochSeconds: Number(SCHEDULE.epochSeconds),
      operators: operatorSetOf(0n).operators.length,
      // A second from one block to the next, and every second one is certified.
      rollups: [{ blockSeconds: 1, attestationInterval: 2 }],
    }),
  );
});
