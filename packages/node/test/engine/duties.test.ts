import { buildOperatorSet, type Hex, type OperatorSet } from "@mach/core";
import { expect, it } from "vitest";
import type { AlertCause } from "../../src/alerts.ts";
import { createDuties } from "../../src/engine/duties.ts";
import type { ClaimSigner } from "../../src/engine/ports.ts";
import { createOwnBinding } from "../../src/gossip/own-binding.ts";
import type { OperatorSigner } from "../../src/operator.ts";
import {
  bls,
  createEngineNode,
  type EngineNode,
  operatorAt,
  operatorSetOf,
  PARAMETERS,
  SCHEDULE,
  signerOf,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const OWN = 3;
const own = operatorAt(OWN);
const [PRESENT, NEXT] = [keyOf(operatorSetOf(0n)), otherKey()];
const START_MS = Number(SCHEDULE.genesisTime) * 1_000;
const EPOCH_MS = Number(SCHEDULE.epochSeconds) * 1_000;

function keyOf(set: OperatorSet): Hex {
  const member = set.operators.find(({ operator }) => operator === own);
  if (member === undefined) throw new Error("not in the set");
  return member.publicKey;
}

/** Of the operator without weight in these tests. */
function otherKey(): Hex {
  return keyOf(rotated(0n));
}

/** The set of an epoch in which the operator has changed its key. */
function rotated(epoch: bigint): OperatorSet {
  const fifth = operatorSetOf(epoch, [22n, 24n, 26n, 28n, 1n]).operators[4];
  if (fifth === undefined) throw new Error("no fifth");
  const operators = operatorSetOf(epoch).operators.map((member) =>
    member.operator === own ? { ...member, publicKey: fifth.publicKey } : member,
  );
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

/** A signer that has these keys, and tells which of them it was asked for at each height. */
function signerWith(held: Set<Hex>) {
  const asked: [height: bigint, publicKey: Hex][] = [];
  const claims: ClaimSigner = {
    ...signerOf(OWN),
    holds: async (publicKey) => held.has(publicKey),
    sign: (request) => {
      asked.push([request.claim.blockNumber, request.publicKey]);
      return signerOf(OWN, request.publicKey === PRESENT ? OWN : OWN + 1).sign(request);
    },
  };
  return { claims, asked };
}

function learnSets(node: EngineNode, ...sets: readonly OperatorSet[]): void {
  for (const operatorSet of sets) {
    node.shell.input({ type: "set-known", operatorSet, rollups: [PARAMETERS] });
  }
}

it("signs each claim with the key that its epoch's set names", async () => {
  const { claims, asked } = signerWith(new Set([PRESENT, NEXT]));
  const node = createEngineNode({
    ...{ verifier: verifier(), signer: claims, engine: { operator: own, openHeights: 64 } },
  });
  learnSets(node, operatorSetOf(0n), rotated(1n));
  for (const height of [58n, 59n, 60n, 61n]) node.block(height);
  await node.shell.settle();
  expect(asked).toEqual([
    [58n, PRESENT],
    [59n, PRESENT],
    [60n, NEXT],
    [61n, NEXT],
  ]);
  expect(node.attestations.map(({ claim }) => claim.blockNumber)).toEqual([58n, 59n, 60n, 61n]);
});

function duty(held: Set<Hex>, sets: readonly OperatorSet[]) {
  const standing = new Map<string, AlertCause>();
  const clock = { now: START_MS };
  const bound: (Hex | undefined)[] = [];
  const node = createEngineNode({ verifier: verifier(), engine: { operator: own } });
  learnSets(node, ...sets);
  const operator: OperatorSigner = {
    operator: own,
    record: { origin: "never-signed", isInPlace: true, keepPlace: async () => undefined },
    claims: signerWith(held).claims,
    bindings: {
      async signPeerBinding({ peerId, expiry, publicKey }) {
        bound.push(publicKey);
        return { operator: own, peerId, expiry, sequence: 1n, signature: "0x" };
      },
    },
    stop: async () => undefined,
  };
  const duties = createDuties(operator, {
    state: () => node.shell.state(),
    hasAskedPeers: () => true,
    alerts: {
      raise: (cause) => standing.set(`${cause.code} ${cause.subject}`, cause),
      clear: ({ code, subject }) => standing.delete(`${code} ${subject}`),
    },
    now: () => clock.now,
  });
  const told = async (): Promise<readonly string[]> => {
    duties.onTick();
    await node.shell.settle();
    await new Promise((resolve) => setImmediate(resolve));
    return [...standing].map(([subject, { severity }]) => `${subject} ${severity}`);
  };
  return { duties, clock, bound, told };
}

it("asks for a key before its epoch begins, and alerts once it is late", async () => {
  const held = new Set([PRESENT]);
  const { clock, told } = duty(held, [operatorSetOf(0n), rotated(1n)]);
  expect(await told()).toEqual(["key-not-held 1 warning"]);
  clock.now += EPOCH_MS;
  expect(await told()).toEqual(["key-not-held 1 critical"]);
  held.add(NEXT);
  expect(await told()).toEqual([]);
});

it("says no more of an epoch that is over", async () => {
  const { clock, told } = duty(new Set([PRESENT]), [rotated(0n), operatorSetOf(1n)]);
  expect(await told()).toEqual(["key-not-held 0 critical"]);
  clock.now += EPOCH_MS;
  expect(await told()).toEqual([]);
});

it("binds its peer by the key that the running epoch has, as far as it is held", async () => {
  const held = new Set([PRESENT, NEXT]);
  const { duties, clock, bound } = duty(held, [operatorSetOf(0n), rotated(1n)]);
  const { bindings } = duties;
  const asked = { peerId: "0x0024", expiry: 9n } as const;
  expect(bindings.publicKey?.()).toBe(PRESENT);
  clock.now += EPOCH_MS;
  expect(bindings.publicKey?.()).toBe(NEXT);
  await bindings.signPeerBinding({ ...asked, publicKey: NEXT });
  held.delete(NEXT);
  await bindings.signPeerBinding({ ...asked, publicKey: NEXT });
  expect(bound).toEqual([NEXT, undefined]);
  clock.now += EPOCH_MS;
  expect(bindings.publicKey?.()).toBeNull();
});

it("binds its peer by a key that comes late, as soon as it is there", async () => {
  const held = new Set([PRESENT]);
  const { duties, clock, bound, told } = duty(held, [operatorSetOf(0n), rotated(1n)]);
  const binding = createOwnBinding(duties.bindings, {
    ...{ peerId: "0x0024", lifetimeMs: EPOCH_MS, now: () => clock.now, onFailed: () => undefined },
  });
  await told();
  expect(await binding.renewIfDue()).toBe(true);
  clock.now += EPOCH_MS;
  await told();
  expect(await binding.renewIfDue()).toBe(true);
  expect(bound).toEqual([PRESENT, undefined]);
  held.add(NEXT);
  await told();
  expect(await binding.renewIfDue()).toBe(true);
  expect(await binding.renewIfDue()).toBe(false);
  expect(bound).toEqual([PRESENT, undefined, NEXT]);
});
