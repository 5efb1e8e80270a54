import { expect, test } from "vitest";
import type { AlertCause } from "../../src/alerts.ts";
import { guardRecord, newestSeenIn } from "../../src/engine/rollback-guard.ts";
import { NodeError } from "../../src/node-error.ts";
import type { OperatorSigner } from "../../src/operator.ts";
import {
  attest,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  operatorAt,
  ROLLUP_ID,
  signerOf,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const OWN = 0;
const operator = operatorAt(OWN);

function readyNode(): EngineNode {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n);
  for (const height of [1n, 2n, 3n]) node.block(height);
  return node;
}

async function hear(node: EngineNode, index: number, height: bigint, branch = 0): Promise<void> {
  await node.shell.receiveAttestations([attest(index, claimAt(height, branch))], { peerId: "p" });
}

function seenIn(node: EngineNode) {
  return newestSeenIn(node.shell.state(), { rollupId: ROLLUP_ID, operator });
}

function guarded(node: EngineNode, change: Partial<OperatorSigner["record"]> = {}) {
  const alerts: AlertCause[] = [];
  const kept: string[] = [];
  const peers = { asked: false };
  let last = claimAt(2n);
  let isAway = false;
  const claims = {
    ...signerOf(OWN),
    lastSigned: async () => {
      if (isAway) throw new NodeError("signer-unreachable", "away");
      return last;
    },
  };
  const record: OperatorSigner["record"] = {
    origin: "never-signed",
    isInPlace: true,
    keepPlace: async () => {
      kept.push("kept");
    },
    ...change,
  };
  const signer = guardRecord(
    { claims, operator, record },
    {
      state: () => node.shell.state(),
      hasAskedPeers: () => peers.asked,
      alerts: { raise: (cause) => alerts.push(cause) },
      now: () => node.clock.now,
    },
  );
  const codeAt = async (height: bigint) => {
    const claim = claimAt(height);
    const wanted = { publicKey: "0x" as const, verifiedHead: height, ancestry: [], release: null };
    const result = await signer.sign({ claim, ...wanted, isStillWanted: () => true });
    return result.ok ? "signed" : result.code;
  };
  return {
    ...{ alerts, kept, peers, codeAt, signer },
    setLast: (height: bigint) => {
      last = claimAt(height);
    },
    setAway: (value: boolean) => {
      isAway = value;
    },
  };
}

test("the newest own claim is found in attestations and in certificates", async () => {
  const node = readyNode();
  expect(seenIn(node)).toBeNull();
  await hear(node, 1, 3n);
  expect(seenIn(node)).toBeNull();
  await hear(node, OWN, 1n);
  expect(seenIn(node)).toMatchObject({ blockNumber: 1n, blockHash: claimAt(1n).blockHash });
  await node.shell.receiveCertificate(certify(claimAt(2n), [1, 2, 3]));
  expect(seenIn(node)).toMatchObject({ blockNumber: 1n });
  await node.shell.receiveCertificate(certify(claimAt(3n), [OWN, 2, 3]));
  expect(seenIn(node)).toEqual({ blockNumber: 3n, blockHash: claimAt(3n).blockHash });
});

test("a record that lacks what a peer has handed over signs nothing more", async () => {
  const node = readyNode();
  const { codeAt, alerts, setLast } = guarded(node);
  await hear(node, OWN, 2n);
  expect(await codeAt(3n)).toBe("signed");
  setLast(1n);
  expect(await codeAt(3n)).toBe("record-behind-network");
  expect(alerts).toMatchObject([{ code: "record-behind-network", rollupId: ROLLUP_ID }]);
});

test("out of its place it waits for a peer and for its time, then is in its place", async () => {
  const node = readyNode();
  const { codeAt, kept, peers } = guarded(node, { isInPlace: false });
  expect(await codeAt(3n)).toBe("quarantined");
  node.clock.now += 119_999;
  peers.asked = true;
  expect(await codeAt(3n)).toBe("quarantined");
  peers.asked = false;
  node.clock.now += 1;
  expect(await codeAt(3n)).toBe("quarantined");
  expect(kept).toEqual([]);
  peers.asked = true;
  expect(await codeAt(3n)).toBe("signed");
  expect(await codeAt(3n)).toBe("signed");
  expect(kept).toEqual(["kept"]);
});

test("a signer that is away is a reason to abstain, and no fault", async () => {
  const { codeAt, setAway, signer } = guarded(readyNode());
  setAway(true);
  expect(await codeAt(3n)).toBe("signer-unreachable");
  expect(await signer.lastSigned(ROLLUP_ID)).toBeNull();
  setAway(false);
  expect(await codeAt(3n)).toBe("signed");
});
