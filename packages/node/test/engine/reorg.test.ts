import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finalityOf, uintWord, type VerifiedAttestation } from "@mach/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Anvil, startAnvil } from "../../../rollups/test/support/anvil.ts";
import { createAlerts } from "../../src/alerts.ts";
import { followRollups } from "../../src/engine/follow-rollups.ts";
import { type OperatorSigner, openOperator } from "../../src/operator.ts";
import { initialiseProtection } from "../../src/signer/open-protection.ts";
import { lockedFolder, temporaryPath } from "../signer/test-folders.ts";
import {
  bls,
  createEngineNode,
  DOMAIN,
  type EngineNode,
  operatorAt,
  PARAMETERS,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";
import { MemoryGossip } from "./memory-gossip.ts";

const verifier = useVerifier();
const OPERATORS = [0, 1, 2, 3];
/** Anvil's clock is today's: all of it is epoch 0. */
const SCHEDULE = { genesisTime: 0n, epochSeconds: 10_000_000_000n };
/** Anvil calls the block so many below the newest finalised. */
const FINALITY_LAG = 4n;

interface Member {
  readonly node: EngineNode;
  readonly operator: OperatorSigner;
  /** The heights that its own attestations were published for, in order. */
  readonly heights: readonly bigint[];
  follow(anvil: Anvil): void;
}

/** An operator's node: its real signer on a record on disk, a real chain, gossip in memory. */
async function createMember(gossip: MemoryGossip, index: number): Promise<Member> {
  const folder = await lockedFolder();
  const address = operatorAt(index);
  const identity = { domain: DOMAIN, operator: address };
  await initialiseProtection(folder, identity, "never-signed");
  const secretKeyFile = join(await temporaryPath(), "bls.key");
  await writeFile(secretKeyFile, uintWord(index + 1), { mode: 0o600 });
  const operator = await openOperator(
    { address, secretKeyFile },
    {
      folder,
      domain: DOMAIN,
      bls,
      onFatal: (error) => expect.fail(String(error)),
      onKeyFault: (error) => expect.fail(String(error)),
      now: () => Date.now(),
    },
  );
  onTestFinished(() => operator.stop());
  const name = `operator ${index}`;
  const port = gossip.portOf(name);
  const heights: bigint[] = [];
  const publishAttestation = (own: VerifiedAttestation): void => {
    heights.push(own.claim.blockNumber);
    port.publishAttestation(own);
  };
  const node = createEngineNode({
    verifier: verifier(),
    gossip: { ...port, publishAttestation },
    signer: operator.claims,
    engine: { operator: address, schedule: SCHEDULE },
  });
  node.learn(0n);
  gossip.join(name, node);
  return { node, operator, heights, follow: (anvil) => follow(node, anvil) };
}

function follow(node: EngineNode, anvil: Anvil): void {
  const following = followRollups(
    {
      engine: node.shell,
      alerts: createAlerts({ publish: () => undefined, now: () => Date.now() }),
      onBlock: () => undefined,
      trustsFinalized: () => true,
      log: () => undefined,
    },
    {
      rollups: [
        {
          ...{ rollupId: ROLLUP_ID, rpcUrls: [anvil.httpUrl], wsUrls: [], agree: 1 },
          ...{ pollMs: 20, timeoutMs: 1_000 },
        },
      ],
      engine: { catchUpBlocks: 64 },
      resumeFrom: () => 1n,
    },
  );
  onTestFinished(() => following.stop());
  following.onParameters([PARAMETERS]);
}

/** Replaces the newest blocks by others: a transaction makes the new branch differ. */
async function reorg(anvil: Anvil, depth: number): Promise<void> {
  const transaction = {
    from: "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    to: "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    value: "0x1",
    gas: "0x5208",
  };
  await anvil.call("anvil_reorg", [depth, [[transaction, 0]]]);
}

const heightOf = ({ operator }: Member): Promise<bigint> =>
  operator.claims.lastSigned(ROLLUP_ID).then((last) => last?.blockNumber ?? -1n);
const rollupOf = ({ node }: Member) => node.shell.state().rollups.get(ROLLUP_ID);
const viewOf = ({ node }: Member) =>
  finalityOf(node.shell.state(), ROLLUP_ID, node.clock.now + 10_000_000_000_000);
const tipOf = (member: Member): bigint => rollupOf(member)?.tip?.blockNumber ?? -1n;

async function untilAll(
  gossip: MemoryGossip,
  members: readonly Member[],
  holds: (member: Member) => boolean | Promise<boolean>,
): Promise<void> {
  const check = async (): Promise<boolean[]> => {
    await gossip.run();
    return Promise.all(members.map(holds));
  };
  await expect.poll(check, { interval: 20, timeout: 20_000 }).toEqual(members.map(() => true));
}

/** An honest operator has signed one claim at each height, and each higher than the one before. */
function expectNoBreach(members: readonly Member[]): void {
  for (const { node, heights } of members) {
    expect(heights.length).toBeGreaterThan(0);
    expect(heights).toEqual([...new Set(heights)].toSorted((a, b) => (a < b ? -1 : 1)));
    expect(node.evidence).toEqual([]);
    expect(node.fatal).toEqual([]);
  }
}

describe("a reorg of a real chain", () => {
  it("after all have signed: nobody signs both branches, L1 decides, and service resumes", {
    timeout: 90_000,
  }, async () => {
    const anvil = await startAnvil({ flavour: "evm", args: ["--slots-in-an-epoch", "2"] });
    const gossip = new MemoryGossip(1);
    const members = await Promise.all(OPERATORS.map((index) => createMember(gossip, index)));
    await anvil.mine(12);
    for (const member of members) member.follow(anvil);
    await untilAll(gossip, members, (member) => viewOf(member)?.fastFinal?.blockNumber === 12n);

    await reorg(anvil, 3);
    // Height 9 is the newest finalised, below the first that differs: nothing releases.
    await anvil.mine(1);
    await untilAll(gossip, members, (member) => tipOf(member) === 13n);
    await untilAll(gossip, members, (member) => rollupOf(member)?.lock === "fork-locked");
    for (const member of members) {
      expect(await heightOf(member)).toBe(12n);
      expect(viewOf(member)?.reason).toMatchObject({ code: "split", presentWeight: 0n });
    }

    // L1 finalises height 13 of the new branch: above all that was certified of the old one.
    await anvil.mine(Number(FINALITY_LAG));
    await untilAll(gossip, members, async (member) => (await heightOf(member)) === 17n);
    await untilAll(gossip, members, (member) => viewOf(member)?.fastFinal?.blockNumber === 17n);
    for (const member of members) {
      expect(viewOf(member)?.reason).toBeNull();
      expect(rollupOf(member)?.lock).toBeNull();
    }
    expectNoBreach(members);
  });

  it("that one operator saw: it goes on above the others' first certificate", {
    timeout: 90_000,
  }, async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const gossip = new MemoryGossip(2);
    const members = await Promise.all(OPERATORS.map((index) => createMember(gossip, index)));
    const [early, ...others] = members;
    if (early === undefined) throw new Error("no operator");
    await anvil.mine(6);
    early.follow(anvil);
    await untilAll(gossip, [early], async (member) => (await heightOf(member)) === 6n);
    await reorg(anvil, 2);
    await anvil.mine(1);
    await untilAll(gossip, [early], (member) => rollupOf(member)?.lock === "fork-locked");
    for (const member of others) member.follow(anvil);
    await untilAll(gossip, members, async (member) => (await heightOf(member)) === 7n);
    expect(early.heights).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]);
    await untilAll(gossip, members, (member) => viewOf(member)?.fastFinal?.blockNumber === 7n);
    expectNoBreach(members);
  });
});
