import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { networkNames } from "../../packages/node/src/gossip/topics.ts";
import { MESHSUB, type Outsider } from "../../packages/node/test/gossip/outsider.ts";
import { until } from "../e2e/api.ts";
import { startEquivocator } from "../e2e/equivocator.ts";
import {
  type Arena,
  type ArenaNode,
  type MetricValues,
  printFigure,
  startArena,
  wholeOr,
} from "./arena.ts";
import { realFrames } from "./frame-corpus.ts";
import { floodMutatedFrames } from "./frame-flood.ts";
import { varint } from "./gossipsub-frames.ts";
import { type Random, randomOf } from "./mutation.ts";
import {
  churnStreams,
  controlFrame,
  manyTopics,
  openSilentSockets,
  sendEndlessFrame,
  sendUntilHungUp,
} from "./outsider-floods.ts";
import { bindPeer } from "./peer-bindings.ts";
import { watchUsage } from "./watched-usage.ts";

const SEED = 20_261_120;
/** Of growth that stays, after any attack. */
const MOST_MEGABYTES = 50;
/** From an abuser's first frame to the end of its connection; asserted where the machine is ours. */
const GONE_MS = wholeOr(30_000, 5_000);
const AT_ONCE = 10;
const LATER = 4_000_000_000n;

let arena: Arena;
let victim: ArenaNode;
/** An operator that nobody attacks. */
let undisturbed: ArenaNode;
let random: Random;
/** The operators' peers that the victim has, undisturbed. */
let operators: number;

beforeAll(async () => {
  arena = await startArena();
  victim = arena.node("operator-1");
  undisturbed = arena.node("operator-4");
  operators = arena.network.operators.length - 1;
  await until("the other operators", async () => {
    return (await victim.metrics()).peers("operator") === operators ? true : null;
  });
});
beforeEach(() => {
  random = randomOf(SEED);
});
afterAll(async () => {
  await arena?.stop();
});

/** Waits until the victim has counted a code this often since then. */
async function untilCounted(code: string, before: MetricValues, times = 1): Promise<void> {
  await until(`${code} at the victim`, async () => {
    return (await victim.metrics()).refused(code) - before.refused(code) >= times ? true : null;
  });
}

async function untilBound(count: number): Promise<void> {
  await until(`${count} operators' peers`, async () => {
    return (await victim.metrics()).peers("operator") === count ? true : null;
  });
}

/** The victim is as it was: all its operators, and certificates go on. */
async function expectUnharmed(): Promise<void> {
  await untilBound(operators);
  await arena.untilProgress(victim, 2n);
}

it("an unknown version of a protocol is refused, without a strike", async () => {
  const before = await victim.metrics();
  const outsider = await arena.outsider();
  const connection = await outsider.connect(victim.address);
  const { hello, sync } = outsider.names;
  for (const protocol of [hello, sync].map((name) => name.replace(/1$/, "2"))) {
    await expect(connection.newStream(protocol)).rejects.toThrow(
      expect.objectContaining({ name: "UnsupportedProtocolError" }),
    );
  }
  const stream = await connection.newStream(hello);
  stream.send(Uint8Array.of(0, 0, 0, 2, 2, 0));
  await untilCounted("hello-unsupported-version", before);
  expect(await outsider.greet(victim.address)).toMatchObject({ ok: true });
  expect((await victim.metrics()).refused("strike")).toBe(before.refused("strike"));
});

it("mutated frames leave no trace, and whoever sends them is gone", async () => {
  const corpus = await realFrames(arena);
  const count = wholeOr(20_000, 1_000_000);
  const before = await victim.metrics();
  const usage = watchUsage(victim, undisturbed);
  const { sent, identities, longestMs } = await floodMutatedFrames(arena, victim, {
    ...{ count, corpus, random },
  });
  const { megabytes, mostMegabytes } = await usage.stop(MOST_MEGABYTES);
  const after = await victim.metrics();
  const strikes = after.refused("strike") - before.refused("strike");
  printFigure({
    ...{ attack: "mutated frames", count: sent },
    figure:
      `grown ${megabytes} MB (at most ${mostMegabytes}), ${identities} identities banned ` +
      `in turn, each within ${longestMs.toFixed(0)} ms, ${strikes} strikes`,
    bound: `${MOST_MEGABYTES} MB, ${GONE_MS} ms`,
  });
  expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  expect(longestMs).toBeLessThan(GONE_MS);
  await expectUnharmed();
}, 3_600_000);

it("floods of subscriptions and control messages end the connection", async () => {
  const rounds = wholeOr(2, 20);
  const { attestations } = networkNames(arena.domain);
  const tooLong = manyTopics(4 * 1_048_576);
  const tooMany = manyTopics(1_000_000);
  const frames = {
    "subscriptions, 4 MB": () => tooLong,
    "subscriptions, 1 MB": () => tooMany,
    "a length of 2 GB": () => varint(2 ** 31),
    "IHAVE, IWANT, GRAFT, PRUNE": () => controlFrame(attestations, random),
  };
  for (const [attack, next] of Object.entries(frames)) {
    const usage = watchUsage(victim, undisturbed);
    let longestMs = 0;
    for (let round = 0; round < rounds; round++) {
      const outsider = await arena.outsider();
      const ms = await sendUntilHungUp(await outsider.connect(victim.address), next);
      longestMs = Math.max(longestMs, ms);
      await outsider.stop();
    }
    const { megabytes, mostMegabytes } = await usage.stop(MOST_MEGABYTES);
    printFigure({
      ...{ attack, count: `${rounds} peers` },
      figure: `grown ${megabytes} MB (at most ${mostMegabytes}), gone in ${longestMs.toFixed(0)} ms`,
      bound: `${MOST_MEGABYTES} MB, hung up`,
    });
    expect(megabytes, attack).toBeLessThan(MOST_MEGABYTES);
  }
  await expectUnharmed();
}, 1_200_000);

it("floods of streams, and a frame without an end, end the connection", async () => {
  const before = await victim.metrics();
  const usage = watchUsage(victim, undisturbed);
  const rounds = wholeOr(2, 20);
  let [opened, bytes] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const [churning, endless] = [await arena.outsider(), await arena.outsider()];
    opened += await churnStreams(await churning.connect(victim.address));
    bytes += await sendEndlessFrame(await endless.connect(victim.address));
    await Promise.all([churning.stop(), endless.stop()]);
  }
  await untilCounted("too-many-streams", before, rounds);
  await untilCounted("oversized-mux-frame", before, rounds);
  const { megabytes } = await usage.stop(MOST_MEGABYTES);
  printFigure({
    ...{ attack: "streams, frames of 4 GB", count: `${rounds} peers each` },
    figure: `${opened} streams and ${bytes >> 20} MB sent, grown ${megabytes} MB`,
    bound: `${MOST_MEGABYTES} MB, hung up`,
  });
  expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  await expectUnharmed();
}, 600_000);

it("half-open handshakes and silent peers keep nobody out", async () => {
  const before = await victim.metrics();
  const count = wholeOr(300, 2_000);
  const silent = await openSilentSockets(victim, { count, from: "127.0.0.2" });
  const mute = await Promise.all(
    Array.from({ length: wholeOr(20, 100) }, async () => {
      const outsider = await arena.outsider({ from: "127.0.0.3" });
      await outsider.connect(victim.address).catch(() => undefined);
      return outsider;
    }),
  );
  const startedAt = performance.now();
  const honest = await arena.outsider();
  expect(await honest.greet(victim.address)).toMatchObject({ ok: true });
  const ms = performance.now() - startedAt;
  printFigure({
    ...{ attack: "half-open handshakes", count },
    figure: `a newcomer's hello took ${ms.toFixed(0)} ms`,
    bound: "answered",
  });
  silent.close();
  await Promise.all([honest, ...mute].map((each) => each.stop()));
  expect((await victim.metrics()).refused("strike")).toBe(before.refused("strike"));
  await expectUnharmed();
}, 240_000);

it("peers that do not answer its streams keep no operator's gossip from the victim", async () => {
  const stalling: Outsider[] = [];
  for (let i = 0; i < wholeOr(6, 30); i++) {
    const outsider = await arena.outsider();
    stalling.push(outsider);
    const connection = await outsider.connect(victim.address);
    outsider.stall(connection);
    await connection.newStream(MESHSUB);
  }
  const { operator, secretKey } = arena.member();
  const late = await startEquivocator({
    ...{ domain: arena.domain, operator, secretKey, bootNodes: [victim.address] },
  });
  const startedAt = performance.now();
  await untilBound(operators + 1);
  const ms = performance.now() - startedAt;
  printFigure({
    ...{ attack: "streams never answered", count: stalling.length },
    figure: `a late operator was bound after ${ms.toFixed(0)} ms`,
    bound: "bound",
  });
  await late.stop();
  await Promise.all(stalling.map((each) => each.stop()));
  await expectUnharmed();
}, 240_000);

it("sybils take the outsiders' places and no others", async () => {
  const count = wholeOr(110, 300);
  const usage = watchUsage(victim, undisturbed);
  const sybils: Outsider[] = [];
  for (let i = 0; i < count; i += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, async (_, j) => {
      const sybil = await arena.outsider({ from: `127.0.1.${1 + ((i + j) % 200)}` });
      sybils.push(sybil);
      // Those for whom there is no place are hung up on, and come again no more.
      await sybil.greet(victim.address).catch(() => undefined);
    });
    await Promise.all(some);
  }
  const crowded = await victim.metrics();
  expect(crowded.peers("nobody")).toBeLessThanOrEqual(101);
  expect(crowded.peers("operator")).toBe(operators);
  const { operator, secretKey } = arena.member();
  const late = await startEquivocator({
    ...{ domain: arena.domain, operator, secretKey, bootNodes: [victim.address] },
  });
  await untilBound(operators + 1);
  await arena.untilProgress(victim, 2n);
  const { megabytes } = await usage.stop(MOST_MEGABYTES);
  printFigure({
    ...{ attack: "sybils", count },
    figure:
      `${crowded.peers("nobody")} of them connected, all ${operators} operators and one more ` +
      `that came late, grown ${megabytes} MB`,
    bound: "100 and what it dialled itself",
  });
  await late.stop();
  await Promise.all(sybils.map((each) => each.stop()));
  await expectUnharmed();
}, 600_000);

it("a replayed binding makes nobody an operator", async () => {
  const before = await victim.metrics();
  const member = arena.member();
  const { domain } = arena;
  const [owner, older, thief, foreign, expired] = await Promise.all(
    [1, 2, 3, 4, 5].map(() => arena.outsider()),
  );
  if (!(owner && older && thief && foreign && expired)) throw new Error("no peers");
  // Above what the member's own node has shown before.
  const sequence = BigInt(Date.now());
  const terms = { domain, sequence, expiry: LATER };
  const binding = bindPeer(member, owner, terms);
  await owner.greet(victim.address, { binding });
  await untilBound(operators + 1);

  await thief.greet(victim.address, { binding });
  await untilCounted("binding-of-another-peer", before);
  const replayed = bindPeer(member, older, { ...terms, sequence: sequence - 1n });
  await older.greet(victim.address, { binding: replayed });
  await untilCounted("binding-superseded", before);
  const elsewhere = { ...terms, domain: { ...domain, chainId: 1n }, sequence: sequence + 1n };
  await foreign.greet(victim.address, { binding: bindPeer(member, foreign, elsewhere) });
  await untilCounted("binding-not-verified", before);
  expect((await victim.metrics()).peers("operator")).toBe(operators + 1);

  // The highest counts, also when it has run out: it revives no lower one.
  const past = { ...terms, sequence: sequence + 1n, expiry: 1n };
  await expired.greet(victim.address, { binding: bindPeer(member, expired, past) });
  await untilCounted("binding-expired", before);
  await untilBound(operators);
  printFigure({
    ...{ attack: "replayed bindings", count: 4 },
    figure: "none counted",
    bound: "none",
  });
  await Promise.all([owner, older, thief, foreign, expired].map((each) => each.stop()));
  await expectUnharmed();
});

it("after all of it every node runs, and no honest one was hung up on", async () => {
  for (const node of arena.nodes) {
    expect(node.isRunning(), node.name).toBe(true);
    await arena.untilProgress(node);
    const metrics = await node.metrics();
    const others = node.name === "observer" ? operators + 1 : operators;
    expect(metrics.peers("operator"), node.name).toBe(others);
    if (node !== victim) expect(metrics.refused("strike"), node.name).toBe(0);
  }
});
