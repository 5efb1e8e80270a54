import type { Alert, NodeEvent } from "@mach/api";
import { encodeEvent, eventSchemas, parseDocument } from "@mach/api";
import type { Report } from "@mach/core";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createAlerts } from "../../src/alerts.ts";
import { createAnnouncer } from "../../src/engine/announcer.ts";
import { createParticipation } from "../../src/engine/participation.ts";
import { createEventHub } from "../../src/view/events.ts";
import {
  attest,
  blockAt,
  certify,
  claimAt,
  createEngineNode,
  doubleAttestation,
  operatorAt,
  operatorSetOf,
  ROLLUP_ID,
  SCHEDULE,
  updateBy,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const ALL = [0, 1, 2, 3];

function create() {
  const node = createEngineNode({ verifier: verifier() });
  const events: NodeEvent[] = [];
  const alerts = new Map<string, Alert>();
  const lines: { readonly msg: string }[] = [];
  const hub = createEventHub();
  hub.subscribe((event) => {
    const data = JSON.parse(JSON.stringify(encodeEvent(event))) as unknown;
    const schema = eventSchemas[event.topic] as Parameters<typeof parseDocument>[0];
    expect(parseDocument(schema, data)).toMatchObject({ ok: true });
    events.push(event);
  });
  const now = (): number => node.clock.now;
  const announcer = createAnnouncer({
    state: () => node.shell.state(),
    events: hub,
    alerts: createAlerts({ publish: (alert) => alerts.set(alert.alertId, alert), now }),
    logger: pino({ level: "trace" }, { write: (line) => lines.push(JSON.parse(line)) }),
    abstention: () => null,
    participation: createParticipation({
      ...{ state: () => node.shell.state(), store: node.store, now },
      onFatal: (error) => node.fatal.push(error),
    }),
    now,
  });
  node.announced.push = (...announcements) => {
    for (const each of announcements) announcer.announce(each);
    return 0;
  };
  node.learn(0n);
  for (let number = 1n; number <= 3n; number += 1n) node.block(number);
  return {
    ...{ node, announcer, events, lines },
    topics: () => events.map((each) => each.topic),
    alerts: () => [...alerts.values()],
    standing: () =>
      [...alerts.values()].filter((each) => each.clearedAt === null).map((each) => each.code),
  };
}

describe("what the engine does", () => {
  it("a certificate is an event and moves the rollup's finality", async () => {
    const { node, events, topics } = create();
    const certificate = certify(claimAt(2n), ALL);
    await node.shell.receiveCertificate(certificate);
    await node.shell.settle();
    expect(topics()).toEqual(["certificate", "finality"]);
    expect(events[0]).toMatchObject({
      answer: { data: certificate, rule: { signedWeight: 100n } },
    });
    expect(events[1]).toMatchObject({ answer: { data: { fastFinal: { blockNumber: 2n } } } });
  });

  it("an attestation is an event with its weight", async () => {
    const { node, events } = create();
    await node.shell.receiveAttestations([attest(1, claimAt(2n))]);
    expect(events).toMatchObject([
      { topic: "attestation", answer: { weight: 24n, data: { operator: operatorAt(1) } } },
    ]);
  });

  it("evidence is an event, and what found no place is an alert", () => {
    const { announcer, topics, standing } = create();
    const evidence = doubleAttestation(0, 2n);
    announcer.announce({ type: "evidence", evidence });
    announcer.announce({ type: "evidence-full", evidence });
    expect([topics(), standing()]).toEqual([["evidence"], ["evidence-full"]]);
  });

  it("an operator that attests another claim is an alert", async () => {
    const { node, standing } = create();
    await node.shell.receiveAttestations([attest(1, claimAt(2n, 1))]);
    expect(standing()).toEqual(["operator-disagrees"]);
  });

  it.each<[string, Report | "refused"]>([
    ["sign-refused", "refused"],
    [
      "abstained",
      { code: "abstained", rollupId: ROLLUP_ID, blockNumber: 2n, reason: "not-in-set" },
    ],
  ])("%s is one alert, however many blocks it is about", (code, report) => {
    const { announcer, standing, lines } = create();
    for (const claim of [claimAt(2n), claimAt(3n)]) {
      if (report === "refused")
        announcer.announce({ type: "sign-refused", claim, code: "key-failed" });
      else announcer.announce({ type: "report", report });
    }
    expect([standing(), lines.length]).toEqual([[code], 2]);
  });

  it("a fork lock is one alert until it is released, whatever it keeps from being signed", () => {
    const { announcer, standing, alerts } = create();
    const report = (each: Report): void => announcer.announce({ type: "report", report: each });
    report({ code: "fork-locked", blockNumber: 4n, last: claimAt(3n) });
    for (const blockNumber of [4n, 5n]) {
      report({ code: "abstained", rollupId: ROLLUP_ID, blockNumber, reason: "fork-locked" });
    }
    expect(standing()).toEqual(["fork-locked"]);
    expect(alerts()[0]?.message).toContain(`${claimAt(3n).blockHash} that this operator signed`);
    report({ code: "fork-released", claim: claimAt(6n, 1), release: null });
    expect(standing()).toEqual([]);
  });

  it("a block that a reorg took from the signer is no alert", () => {
    const { announcer, standing } = create();
    announcer.announce({ type: "sign-refused", claim: claimAt(3n), code: "no-longer-wanted" });
    expect(standing()).toEqual([]);
  });

  it("a split is told in words, with the weights", () => {
    const { node, announcer, standing, alerts } = create();
    node.shell.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
    for (const number of [2n, 3n]) node.block(number, 1);
    const bound = node.shell.state().rollups.get(ROLLUP_ID)?.bound;
    for (const index of [0, 1]) {
      const { blockNumber, blockHash } = claimAt(3n);
      bound?.set(operatorAt(index), { blockNumber, blockHash, isOff: true });
    }
    node.clock.now += 2_000;
    announcer.onHeads(ROLLUP_ID);
    node.clock.now += 20_000;
    announcer.onHeads(ROLLUP_ID);
    expect(standing()).toEqual(["finality-stalled"]);
    expect(alerts()[0]?.message).toContain("(split: 0 of 67)");
  });

  it("a certificate for another block than this node verified is an alert", async () => {
    const { node, standing, lines } = create();
    await node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await node.shell.settle();
    expect(standing()).toEqual(["certificate-disagrees"]);
    expect(lines.map((each) => each.msg)).toContain("certificate for another block");
  });
});

it("an epoch that begins is an event, with its set's hash where that is known", () => {
  const { node, announcer, events } = create();
  const { genesisTime, epochSeconds } = SCHEDULE;
  const begins = [0n, 1n, 2n].map((epoch) => genesisTime + epoch * epochSeconds);
  node.learn(1n);
  // A clock that is set back tells no epoch again.
  for (const startsAt of [0n, ...begins, ...begins]) {
    node.clock.now = Number(startsAt) * 1_000;
    announcer.onTick();
    announcer.onTick();
  }
  expect(events.map((each) => each.answer.data)).toEqual([
    {
      epoch: 1n,
      operatorSetHash: operatorSetOf(1n).operatorSetHash,
      startsAt: begins[1],
      update: null,
    },
    { epoch: 2n, operatorSetHash: null, startsAt: begins[2], update: null },
  ]);
});

describe("a set update", () => {
  it("is an event of its epoch when it stands, and each time that it gets heavier", async () => {
    const { node, announcer, events, lines } = create();
    node.learn(1n);
    await node.shell.receiveSetUpdate(updateBy([1, 2, 3], 1n));
    await node.shell.settle();
    await node.shell.receiveSetUpdate(updateBy([0], 1n));
    await node.shell.settle();
    const startsAt = SCHEDULE.genesisTime + SCHEDULE.epochSeconds;
    const { operatorSetHash } = operatorSetOf(1n);
    const told = { epoch: 1n, operatorSetHash, startsAt };
    expect(events).toEqual(
      [updateBy([1, 2, 3], 1n), updateBy([0, 1, 2, 3], 1n)].map((update) => ({
        ...{ topic: "epoch", rollupId: null },
        answer: { data: { ...told, update } },
      })),
    );
    expect(lines.map((line) => line.msg)).toContain("set update stands");
    // The event of the epoch's begin carries what stands by then.
    node.clock.now = 0;
    announcer.onTick();
    for (const second of [startsAt - 1n, startsAt]) {
      node.clock.now = Number(second) * 1_000;
      announcer.onTick();
    }
    expect(events.at(-1)?.answer.data).toMatchObject({ update: { signers: "0x0f" } });
  });

  it("over another hash than the registry's is evidence, and an alert", async () => {
    const { node, topics, standing } = create();
    node.learn(1n);
    await node.shell.receiveSetUpdate(updateBy([1], 1n, `0x${"ee".repeat(32)}`));
    await node.shell.settle();
    expect([topics(), standing()]).toEqual([["evidence"], ["false-set-update"]]);
  });

  it("that is missing when its epoch has begun is an alert, until it stands", async () => {
    const { node, announcer, standing } = create();
    node.learn(1n);
    const begin = Number(SCHEDULE.genesisTime + SCHEDULE.epochSeconds) * 1_000;
    const tickAt = (now: number): readonly string[] => {
      node.clock.now = now;
      announcer.onTick();
      return standing();
    };
    expect([tickAt(begin - 1), tickAt(begin), tickAt(begin + 1)]).toEqual([[], [], []]);
    expect(tickAt(begin + 10_000)).toEqual([]);
    expect(tickAt(begin + 10_001)).toEqual(["set-update-missing"]);
    await node.shell.receiveSetUpdate(updateBy([1, 2, 3], 1n));
    expect(tickAt(begin + 10_002)).toEqual([]);
  });

  it("that the signer refuses is an alert with the reason", () => {
    const { announcer, standing } = create();
    announcer.announce({ type: "set-update-refused", epoch: 1n, code: "another-hash-signed" });
    expect(standing()).toEqual(["set-update-refused"]);
  });
});

describe("a contradiction", () => {
  it("is an alert until L1 has passed it, and silences certificates above it", async () => {
    const { node, announcer, topics, standing, events } = create();
    await node.shell.receiveCertificate(certify(claimAt(2n), ALL));
    await node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await node.shell.settle();
    expect(standing()).toEqual(["contradiction"]);
    const finality = events.findLast((each) => each.topic === "finality");
    expect(finality).toMatchObject({ answer: { data: { fastFinal: null } } });
    events.length = 0;
    await node.shell.receiveCertificate(certify(claimAt(3n), ALL));
    await node.shell.settle();
    expect(topics()).not.toContain("certificate");
    const { blockHash, timestamp } = blockAt(3n);
    const finalized = { blockNumber: 3n, blockHash, timestamp };
    node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
    announcer.onHeads(ROLLUP_ID);
    expect(standing()).toEqual([]);
  });

  it("by L1 is never told of as a certificate, though nothing is suspended by it", async () => {
    const { node, topics } = create();
    const finalized = blockAt(3n);
    node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
    await node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await node.shell.settle();
    expect(topics()).not.toContain("certificate");
    expect(await node.store.contradictions(ROLLUP_ID)).toHaveLength(1);
  });

  it("that was kept from an earlier run is said again", () => {
    const { node, announcer, standing } = create();
    const contradiction = { fromBlockNumber: 2n, throughBlockNumber: 2n, claims: [] };
    node.shell.restore({ type: "contradiction-restored", rollupId: ROLLUP_ID, contradiction });
    announcer.onRestored();
    expect(standing()).toEqual(["contradiction"]);
  });
});
