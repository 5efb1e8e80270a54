import { chmodSync } from "node:fs";
import { encodeEvidence } from "@mach/api";
import {
  type Claim,
  claimDigest,
  type DoubleAttestation,
  type Evidence,
  keccak256,
  uintWord,
} from "@mach/core";
import { encryptKeystoreJson, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import vectors from "../../../../test/vectors/mach/evidence.json" with { type: "json" };
import { DEPLOYER_KEY } from "../../../settlement/test/anvil.ts";
import { EPOCH_SECONDS, UNIT } from "../../../settlement/test/network.ts";
import {
  SETTLED,
  type SetSigner,
  type SlasherNetwork,
  signersOf,
  startSlasherNetwork,
} from "../../../settlement/test/slasher-network.ts";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const PASSWORD = "correct horse";
const NOWHERE = "http://127.0.0.1:9";
const folder = documentFolder();
let network: SlasherNetwork;
let signers: SetSigner;
let payer: readonly string[];
let place: readonly string[];

beforeAll(async () => {
  network = await startSlasherNetwork();
  signers = await signersOf(network, 1n);
  payer = await walletOf("payer.json", DEPLOYER_KEY);
  place = ["--l1", network.anvil.url, "--slasher", network.slasher];
}, 120_000);

afterAll(() => network?.stop());

/** The options of an account in a JSON wallet, which opens at once. */
async function walletOf(name: string, privateKey: string): Promise<readonly string[]> {
  const { address } = new Wallet(privateKey);
  const kdf = { scrypt: { N: 2, r: 1, p: 1 } };
  const wallet = await encryptKeystoreJson({ address, privateKey }, PASSWORD, kdf);
  const passwordFile = secret("password", PASSWORD);
  return ["--wallet", secret(name, wallet), "--wallet-password-file", passwordFile];
}

function secret(name: string, content: string): string {
  const file = folder.write(name, content);
  chmodSync(file, 0o600);
  return file;
}

/** Operator `index` signs two claims at a height; the second by `by`, where that is another. */
function doubleAttestation(index: number, blockNumber: bigint, by = index): DoubleAttestation {
  const operator = signers.operatorSet.operators[index]?.operator ?? "0x";
  const claim: Claim = {
    ...{ rollupId: SETTLED, blockNumber, blockHash: keccak256(uintWord(blockNumber)) },
    ...{ stateRoot: uintWord(1), outputRoot: uintWord(2), epoch: 1n, verification: 1 },
    timestamp: network.genesisTime + EPOCH_SECONDS,
  };
  const [first, second] = [claim, { ...claim, stateRoot: uintWord(9) }]
    .map((each) => ({ claim: each, digest: claimDigest(network.domain, each) }))
    .toSorted((left, right) => (left.digest < right.digest ? -1 : 1));
  if (first === undefined || second === undefined) throw new Error("two claims");
  return {
    ...{ kind: "double-attestation", rollupId: SETTLED, blockNumber, operator },
    first: { claim: first.claim, operator, signature: signers.sign(index, first.digest) },
    second: { claim: second.claim, operator, signature: signers.sign(by, second.digest) },
  };
}

function file(evidence: Evidence): string {
  return folder.write("evidence.json", { data: encodeEvidence(evidence) });
}

async function sentCount(): Promise<number> {
  return await network.signer.getNonce("latest");
}

describe("mach evidence submit", () => {
  it("convicts, takes the stake, and refuses to do it again", async () => {
    const evidence = doubleAttestation(0, 1n);
    const { operator, weight } = signers.operatorSet.operators[0] ?? { operator: "0x", weight: 0n };
    const args = ["evidence", "submit", file(evidence), ...place, ...payer];
    expect(await machJson(...args)).toMatchObject({
      exitCode: 0,
      submitted: true,
      code: "convicted",
      kind: "double-attestation",
      transactions: [{ action: "report the evidence" }, {}],
      convictions: [{ operator, reporter: network.signer.address.toLowerCase() }],
      taken: [
        {
          ...{ operator, source: network.vault, asset: network.asset },
          received: String((weight * UNIT) / 10n),
          reporterShare: String((weight * UNIT) / 100n),
        },
      ],
      refused: [],
      challengeEnd: null,
    });
    const sent = await sentCount();
    expect(await machJson(...args)).toEqual({
      exitCode: 1,
      submitted: false,
      code: "already-convicted",
    });
    expect(await sentCount()).toBe(sent);
  });

  it("tells a person what it does as it goes on, and what came of it", async () => {
    const evidence = doubleAttestation(0, 2n);
    const run = await mach(...["evidence", "submit", file(evidence), ...place, ...payer]);
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toMatch(/^1 of 2: report the evidence in 0x[0-9a-f]{64}\n2 of 2: collect/);
    expect(run.stdout).toMatch(/^convicted \(double-attestation\): 0x[0-9a-f]{40}\n {2}0x.* lost /);
  });

  it("says on a dry run what it would send, and sends nothing", async () => {
    const sent = await sentCount();
    const evidence = file(doubleAttestation(1, 3n));
    const { operator, weight } = signers.operatorSet.operators[1] ?? { operator: "0x", weight: 0n };
    expect(await machJson("evidence", "submit", evidence, ...place, "--dry-run")).toMatchObject({
      exitCode: 0,
      submitted: false,
      dryRun: true,
      operators: [operator],
      isCharge: false,
      transactions: [
        {
          ...{ action: "report the evidence", to: network.slasher },
          ...{ data: expect.stringMatching(/^0x[0-9a-f]+$/), gas: expect.stringMatching(/^\d+$/) },
        },
        { to: network.slasher, gas: null },
      ],
      expected: [
        {
          ...{ operator, source: network.vault, asset: network.asset },
          assets: String((weight * UNIT) / 10n),
        },
      ],
    });
    const words = await mach("evidence", "submit", evidence, ...place, "--dry-run");
    expect(words.stdout).toContain("can be submitted (double-attestation): 2 transactions");
    expect(await sentCount()).toBe(sent);
  });

  it("sends nothing that proves nothing", async () => {
    const sent = await sentCount();
    for (const [content, code] of [
      [encodeEvidence(doubleAttestation(1, 4n, 2)), "bad-signature"],
      [vectors.cases[0]?.evidence, "operator-set-unavailable"],
      [{ kind: "rumour" }, "malformed"],
      ["no JSON", "malformed"],
    ] as const) {
      const document = folder.write("evidence.json", content);
      const answer = await machJson("evidence", "submit", document, ...place, ...payer);
      expect(answer).toMatchObject({ exitCode: 1, submitted: false, code });
    }
    expect(await sentCount()).toBe(sent);
  });

  it("says which part of the L1 does not answer", async () => {
    const evidence = file(doubleAttestation(1, 5n));
    const submit = (...where: readonly string[]): Promise<unknown> =>
      machJson("evidence", "submit", evidence, ...where, ...payer);
    expect(await submit("--l1", NOWHERE, "--slasher", network.slasher)).toMatchObject({
      exitCode: 1,
      code: "l1-unavailable",
    });
    for (const other of [network.asset, network.registry, `0x${"12".repeat(20)}`]) {
      expect(await submit("--l1", network.anvil.url, "--slasher", other)).toMatchObject({
        exitCode: 1,
        code: "no-slasher",
      });
    }
  });

  it("takes the place from a network.json, and refuses one of another registry", async () => {
    const evidence = file(doubleAttestation(1, 6n));
    const { slasher, registry, anvil } = network;
    const chainId = `${network.domain.chainId}`;
    const l1 = { rpcUrl: anvil.url };
    const content = { chainId, slasher, registry, apiUrl: NOWHERE, l1 };
    const known = folder.write("network.json", content);
    const submit = ["evidence", "submit", evidence, "--dry-run", "--network"];
    expect(await machJson(...submit, known)).toMatchObject({ exitCode: 0 });
    const strange = folder.write("strange.json", { ...content, registry: slasher });
    expect(await machJson(...submit, strange)).toMatchObject({
      exitCode: 1,
      code: "other-network",
    });
    const elsewhere = folder.write("elsewhere.json", { ...content, chainId: "1" });
    expect(await machJson(...submit, elsewhere)).toMatchObject({
      exitCode: 1,
      code: "wrong-chain",
    });
    const old = folder.write("old.json", { ...content, slasher: undefined });
    expect(await machJson(...submit, old)).toMatchObject({ exitCode: 2 });
    expect(await machJson(...submit, old, "--slasher", slasher)).toMatchObject({ exitCode: 0 });
  });

  it("takes one of the evidence that a node lists", async () => {
    const [first, second] = [doubleAttestation(1, 9n), doubleAttestation(2, 9n)];
    const listed = folder.write("list.json", { data: [first, second].map(encodeEvidence) });
    const submit = ["evidence", "submit", listed, ...place, "--dry-run", "--index"];
    for (const [index, { operator }] of [first, second].entries()) {
      expect(await machJson(...submit, String(index))).toMatchObject({ operators: [operator] });
    }
  });

  it("says that its account cannot pay", async () => {
    const poor = await walletOf("poor.json", `0x${"ab".repeat(32)}`);
    const evidence = file(doubleAttestation(1, 7n));
    expect(await machJson("evidence", "submit", evidence, ...place, ...poor)).toMatchObject({
      exitCode: 1,
      code: "insufficient-funds",
      during: "report the evidence",
    });
  });

  it("takes an account as the operator's commands do, and none on a dry run", async () => {
    const evidence = file(doubleAttestation(1, 11n));
    const submit = ["evidence", "submit", evidence, ...place];
    const [, wallet = ""] = payer;
    chmodSync(wallet, 0o644);
    expect(await machJson(...submit, ...payer)).toMatchObject({
      exitCode: 1,
      code: "open-to-others",
    });
    chmodSync(wallet, 0o600);
    const other = secret("other-password", "battery staple");
    const wrong = ["--wallet", wallet, "--wallet-password-file", other];
    expect(await machJson(...submit, ...wrong)).toMatchObject({
      exitCode: 1,
      code: "wrong-password",
    });
    expect(await machJson(...submit, "--signer", NOWHERE)).toMatchObject({
      exitCode: 1,
      code: "signer-unreachable",
    });
    const address = network.signer.address.toLowerCase();
    expect(await machJson(...submit, "--dry-run", "--account", address)).toMatchObject({
      exitCode: 0,
    });
  });

  it("is wrong usage without a place, a way to pay, or one piece of evidence", async () => {
    const evidence = doubleAttestation(1, 8n);
    const document = file(evidence);
    const two = folder.write("two.json", { data: [evidence, evidence].map(encodeEvidence) });
    const none = folder.write("none.json", { data: [] });
    for (const args of [
      [document, ...payer],
      [document, ...place],
      [document, "--l1", network.anvil.url, ...payer],
      [document, "--l1", "ftp://l1", "--slasher", network.slasher, "--dry-run"],
      [document, "--l1", network.anvil.url, "--slasher", "0x12", "--dry-run"],
      [document, ...place, "--network", document, "--dry-run"],
      [document, ...place, ...payer, "--signer", NOWHERE],
      [two, ...place, "--dry-run"],
      [two, ...place, "--dry-run", "--index", "2"],
      [two, ...place, "--dry-run", "--index", "-1"],
      [none, ...place, "--dry-run"],
      [...place, "--dry-run"],
    ]) {
      const answer = await machJson("evidence", "submit", ...args);
      expect({ args, answer }).toMatchObject({ answer: { exitCode: 2, code: "wrong-usage" } });
    }
  });

  it("takes from every other source where one refuses, and asks that one again", async () => {
    // A token is no source that could be slashed.
    await network.addSource(network.asset);
    const { operator } = signers.operatorSet.operators[3] ?? { operator: "0x" };
    const args = ["evidence", "submit", file(doubleAttestation(3, 10n)), ...place];
    expect(await machJson(...args, "--dry-run")).toMatchObject({
      exitCode: 0,
      expected: [
        { source: network.vault, asset: network.asset },
        { source: network.asset, code: "reverted" },
      ],
    });
    expect(await machJson(...args, ...payer)).toMatchObject({
      exitCode: 1,
      submitted: true,
      code: "partly-collected",
      taken: [{ operator, source: network.vault }],
      refused: [{ operator, source: network.asset, code: "reverted" }],
    });
    expect(await machJson(...args, ...payer)).toMatchObject({
      exitCode: 1,
      code: "partly-collected",
      transactions: [],
      taken: [],
      refused: [{ source: network.asset }],
    });
  });
});
