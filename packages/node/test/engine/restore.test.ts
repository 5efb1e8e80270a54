import { type Certificate, claimDigest, finalityOf, type Hex, verifyCertificate } from "@mach/core";
import { describe, expect, it } from "vitest";
import { keepEpoch, restoreEngine } from "../../src/engine/restore.ts";
import type { EpochRecord, Store } from "../../src/store/store.ts";
import {
  bls,
  certifiedIds,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  memoryStore,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const ALL = [0, 1, 2, 3];
const EPOCHS = [0n, 1n, 2n, 3n];

async function storeWith(...certificates: readonly Certificate[]): Promise<Store> {
  const store = memoryStore();
  for (const epoch of [0n, 1n, 2n]) {
    await store.putEpoch({ operatorSet: operatorSetOf(epoch), rollups: [PARAMETERS] });
  }
  for (const certificate of certificates) await store.putCertificate(certificate);
  return store;
}

async function restored(store: Store, certificates = 100): Promise<EngineNode> {
  const node = createEngineNode({ verifier: verifier(), store, engine: { chainDepth: 1_000 } });
  await restoreEngine(node.shell, store, { bls, epochs: EPOCHS, certificates });
  await node.shell.settle();
  return node;
}

function finality(node: EngineNode) {
  return finalityOf(node.shell.state(), ROLLUP_ID, node.clock.now);
}

describe("certificates", () => {
  it("are given back with their sets, and neither stored nor announced again", async () => {
    const store = await storeWith(certify(claimAt(1n), ALL), certify(claimAt(61n), [1, 2, 3]));
    let puts = 0;
    const { putCertificate } = store;
    store.putCertificate = (certificate) => {
      puts += 1;
      return putCertificate.call(store, certificate);
    };
    const node = await restored(store);
    expect([...node.shell.state().epochs.keys()]).toEqual([0n, 1n, 2n]);
    expect(finality(node)?.fastFinal?.blockNumber).toBe(61n);
    expect([puts, node.announced, node.certificates]).toEqual([0, [], []]);
  });

  it("are given back from the newest down to the bound, over all pages", async () => {
    const certificates = Array.from({ length: 150 }, (_, i) =>
      certify(claimAt(BigInt(i + 1)), [1, 2, 3]),
    );
    const node = await restored(await storeWith(...certificates), 130);
    const heights = Object.keys(certifiedIds(node)).map(Number);
    expect([heights.length, heights[0], heights.at(-1)]).toEqual([130, 21, 150]);
  });

  it.each<[string, Certificate]>([
    [
      "whose signature is another's",
      { ...certify(claimAt(2n), ALL), signature: certify(claimAt(3n), ALL).signature },
    ],
    ["below the threshold", certify(claimAt(2n), [0, 1])],
    ["of an epoch whose set is not kept", certify(claimAt(190n), ALL)],
    [
      "of a rollup that was not registered then",
      certify({ ...claimAt(2n), epoch: 2n, timestamp: 1_121n }, ALL),
    ],
  ])("%s are left out", async (_, bad) => {
    const good = certify(claimAt(1n), ALL);
    const store = await storeWith(good, bad);
    if (bad.claim.epoch === 2n) {
      const { epochRecord } = store;
      store.epochRecord = async (epoch) => {
        const record = await epochRecord.call(store, epoch);
        return record && { ...record, rollups: epoch === 2n ? [] : record.rollups };
      };
    }
    expect(certifiedIds(await restored(store, 200))).toEqual({ "1": good.certificateId });
  });
});

describe("sets", () => {
  it("that are not what their hash says end the start", async () => {
    const store = await storeWith();
    const { epochRecord } = store;
    store.epochRecord = async (epoch) => {
      const record = await epochRecord.call(store, epoch);
      const totalWeight = 1n;
      return record && { ...record, operatorSet: { ...record.operatorSet, totalWeight } };
    };
    await expect(restored(store)).rejects.toMatchObject({ code: "row-corrupt" });
  });

  it("of the store's are held against L1's: another one for the same epoch is refused", async () => {
    const store = await storeWith();
    const same: EpochRecord = { operatorSet: operatorSetOf(1n), rollups: [PARAMETERS] };
    await expect(keepEpoch(store, same)).resolves.toBeUndefined();
    const newer = { ...same, rollups: [PARAMETERS, { ...PARAMETERS, rollupId: 7n }] };
    await expect(keepEpoch(store, newer)).resolves.toBeUndefined();
    const other = { ...same, operatorSet: operatorSetOf(1n, [22n, 24n, 26n, 29n]) };
    const code = "data-folder-unusable";
    await expect(keepEpoch(store, other)).rejects.toMatchObject({ code });
  });
});

describe("a contradiction", () => {
  async function contradicted(): Promise<Store> {
    const store = await storeWith();
    const node = await restored(store);
    for (const number of [1n, 2n, 3n]) {
      await node.shell.receiveCertificate(certify(claimAt(number), ALL));
    }
    await node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await node.shell.settle();
    expect(finality(node)?.fastFinal?.blockNumber).toBe(1n);
    return store;
  }

  it("survives a restart: nothing from its height on is served as fast-final", async () => {
    const node = await restored(await contradicted());
    const { fastFinal, reason } = finality(node) ?? {};
    expect([fastFinal?.blockNumber, reason?.code]).toEqual([1n, "contradicted"]);
  });

  it("is for ever: once L1 has passed it only what is above it is served again", async () => {
    const store = await contradicted();
    const node = await restored(store);
    const { blockHash, timestamp } = claimAt(4n, 1);
    const finalized = { blockNumber: 4n, blockHash, timestamp };
    node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
    expect(finality(node)?.fastFinal?.blockNumber).toBe(3n);
    const [contradiction] = await store.contradictions(ROLLUP_ID);
    const digests = new Set<Hex>(contradiction?.claims.map((claim) => claim.digest));
    for (const branch of [0, 1]) {
      const { domain, claim } = certify(claimAt(2n, branch), ALL);
      expect(digests).toContain(claimDigest(domain, claim));
    }
  });
});

it("what is restored is what a verifier finds valid", async () => {
  const store = await storeWith(certify(claimAt(1n), ALL));
  const certificate = finality(await restored(store))?.certified?.certificate;
  if (certificate === undefined) throw new Error("nothing restored");
  const context = { operatorSet: operatorSetOf(0n), thresholdBps: 6667 };
  expect(verifyCertificate(bls, certificate, context).ok).toBe(true);
});
