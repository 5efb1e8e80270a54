import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, decodeCompactCertificate, encodeEvidence, encodeOperatorSet } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import { createPortableBls } from "@mach/bls/portable";
import { isConsistentOperatorSet, keccak256, verifyCertificate, verifySetUpdate } from "@mach/core";
import { createMachClient } from "@mach/sdk";
import { REGISTRY_ABI, STAKE_VAULT_ABI } from "@mach/settlement";
import { Contract, JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deployerAccount } from "../../scripts/local-network/accounts.ts";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";
import { contradict, startEquivocator } from "./equivocator.ts";
import { expectMetrics } from "./metrics.ts";
import { type CrossRollupPayment, payAcross } from "./payment.ts";
import { writeWallet } from "./wallet.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Shorter than on `npm start`: a payment waits for the second epoch. */
const EPOCH_SECONDS = 40n;
const fifth = { secretKey: createNativeBls().generateSecretKey().toBytes(), weight: 1n };

let network: LocalNetwork;
let folder: string;
let payments: CrossRollupPayment;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-e2e-"));
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    epochSeconds: EPOCH_SECONDS,
    extraOperators: [fifth],
  });
});

afterAll(async () => {
  payments?.close();
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The fast-final height of a rollup, null before the first. */
async function fastFinalHeight(rollupId: bigint): Promise<bigint | null> {
  const { data } = await read(network.apiUrl, "finality", { rollupId });
  return data.fastFinal?.blockNumber ?? null;
}

async function kill(index: number): Promise<void> {
  const operator = network.operators[index];
  if (operator === undefined) throw new Error("no such operator");
  process.kill(operator.entry().pid, "SIGKILL");
  await until("the operator to end", async () => (operator.entry().running ? null : true));
}

it("the first certificates of both rollups can be checked by somebody else's means", async () => {
  const provider = new JsonRpcProvider(network.l1.rpcUrl, undefined, { staticNetwork: true });
  const registry = new Contract(network.deployment.registry, REGISTRY_ABI, provider);
  for (const { rollupId, rpcUrl } of network.rollups) {
    const certificate = await until("a certificate", async () => {
      const { data } = await read(network.apiUrl, "finality", { rollupId });
      return data.certificate;
    });
    const { claim, domain } = certificate;
    const { data: operatorSet } = await read(network.apiUrl, "operatorSet", {
      epoch: claim.epoch,
    });
    const bls = createPortableBls();
    expect(domain).toEqual(network.deployment.domain);
    expect(isConsistentOperatorSet(bls, operatorSet)).toBe(true);
    const context = { operatorSet, thresholdBps: 6667, domain };
    expect(verifyCertificate(bls, certificate, context).ok).toBe(true);
    const fixed = await registry.getFunction("operatorSetHash").staticCall(claim.epoch);
    expect(fixed).toBe(certificate.operatorSetHash);
    const rollup = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true });
    const block = await rollup.getBlock(Number(claim.blockNumber));
    expect(block?.hash).toBe(claim.blockHash);
    rollup.destroy();
  }
  provider.destroy();
});

it("an operator's metrics tell what it does on each rollup", async () => {
  const [operator] = network.operators;
  if (operator !== undefined) await expectMetrics(operator.entry(), network.rollups);
});

it("who waits is answered by the next certificate, and may have it in bytes", async () => {
  const [rollupId, wait] = [901n, 30];
  const height = (await until("a height", () => fastFinalHeight(rollupId))) ?? 0n;
  const asked = { rollupId, minBlockNumber: height + 1n, minWeightBps: 6667, wait };
  const fastFinal = await until("the next certificate", async () => {
    return (await read(network.apiUrl, "finality", asked)).data.fastFinal;
  });
  const { blockNumber, blockHash } = fastFinal;
  expect(blockNumber).toBeGreaterThan(height);
  const address = new URL(addressOf("certificate", { rollupId, blockNumber }), network.apiUrl);
  const response = await fetch(address, { headers: { accept: "application/octet-stream" } });
  const certificate = decodeCompactCertificate(new Uint8Array(await response.arrayBuffer()));
  expect(certificate?.claim.blockHash).toBe(blockHash);
});

it("every node serves the same set update, over the registry's own hash", async () => {
  const epoch = 1n;
  const nodes = [...network.operators, network.observer];
  const [update] = await until("one update on all nodes, of all that run", async () => {
    const reads = nodes.map((node) => read(node.apiUrl, "setUpdate", { epoch }));
    const updates = (await Promise.all(reads)).map((each) => each.data);
    const isEqual = updates.every((each) => each.signature === updates[0]?.signature);
    const bits = [...BigInt(updates[0]?.signers ?? "0x0").toString(2)];
    return isEqual && bits.filter((bit) => bit === "1").length === 4 ? updates : null;
  });
  if (update === undefined) throw new Error("no update");
  const { data: signing } = await read(network.apiUrl, "operatorSet", { epoch: epoch - 1n });
  const bls = createPortableBls();
  expect(isConsistentOperatorSet(bls, signing)).toBe(true);
  expect(verifySetUpdate(bls, update, signing)).toMatchObject({ ok: true, signedWeight: 100n });
  const provider = new JsonRpcProvider(network.l1.rpcUrl, undefined, { staticNetwork: true });
  const registry = new Contract(network.deployment.registry, REGISTRY_ABI, provider);
  const fixed = await registry.getFunction("operatorSetHash").staticCall(epoch);
  provider.destroy();
  expect(update).toMatchObject({ operatorSetHash: fixed, domain: network.deployment.domain });
});

it("the SDK verifies a block by L1 alone, and by the set before with its update", async () => {
  const rollupId = 901n;
  await until("a height", () => fastFinalHeight(rollupId));
  const { data: about } = await read(network.apiUrl, "network", {});
  const { domain, genesisTime, epochSeconds } = about;
  const { chainId, verifyingContract: registry } = domain;
  const options = {
    endpoints: [network.apiUrl, ...network.operators.map(({ apiUrl }) => apiUrl)],
    network: { chainId, registry, genesisTime, epochSeconds },
  };
  const rollup = new JsonRpcProvider(network.rollups[0]?.rpcUrl, undefined, {
    staticNetwork: true,
  });
  const hash = (await rollup.getBlock("latest"))?.hash as `0x${string}`;
  rollup.destroy();
  const trust = { l1: { rpcUrls: [network.l1.rpcUrl] } };
  const byL1 = createMachClient({ ...options, trust });
  const answer = await byL1.waitForFinality({ rollupId, hash, pollMs: 200 });
  if (answer.status !== "fast-final") throw new Error(JSON.stringify(answer.endpoints));
  expect(answer.blockHash).toBe(hash);
  expect(answer.endpoints.map(({ code }) => code)).toContain("verified");
  const { facts } = answer;
  expect(facts.signedWeight * 10_000n).toBeGreaterThanOrEqual(
    facts.totalWeight * BigInt(facts.thresholdBps),
  );
  const before = facts.epoch === 0n ? 0n : facts.epoch - 1n;
  const { data: set } = await read(network.apiUrl, "operatorSet", { epoch: before });
  const pin = { epoch: before, operatorSetHash: set.operatorSetHash };
  const byUpdates = createMachClient({ ...options, trust: pin });
  expect(await byUpdates.getBlock({ rollupId, block: hash })).toMatchObject({
    status: "fast-final",
    certificate: { operatorSetHash: facts.operatorSetHash },
  });
});

it("every block and transaction of a rollup is found with the certificate that covers it", async () => {
  const rollupId = 901n;
  const height = await until("a height", () => fastFinalHeight(rollupId));
  const { data } = await read(network.apiUrl, "block", { rollupId, block: height });
  expect(["fast-final", "safe", "finalized"]).toContain(data.status);
  const [rollup] = network.rollups;
  const provider = new JsonRpcProvider(rollup?.rpcUrl, undefined, { staticNetwork: true });
  const transactionHash = await until("a transaction", async () => {
    const block = await provider.getBlock("latest");
    return (block?.transactions[0] as `0x${string}` | undefined) ?? null;
  });
  provider.destroy();
  const status = await until("the transaction to be fast-final", async () => {
    const answer = await read(network.apiUrl, "transaction", { rollupId, transactionHash });
    return answer.data.certificate === null ? null : answer.data;
  });
  const top = status.headers?.[0];
  const hash = top === undefined ? status.block?.blockHash : keccak256(top);
  expect(hash).toBe(status.certificate?.claim.blockHash);
  // One node's answer is enough: the receipt is proved up to what L1 says of the operators.
  const { data: about } = await read(network.apiUrl, "network", {});
  const { domain, genesisTime, epochSeconds } = about;
  const { chainId, verifyingContract: registry } = domain;
  const client = createMachClient({
    endpoints: [network.apiUrl],
    network: { chainId, registry, genesisTime, epochSeconds },
    trust: { l1: { rpcUrls: [network.l1.rpcUrl] } },
  });
  const proven = await client.getTransaction({ rollupId, hash: transactionHash });
  expect(proven).toMatchObject({
    status: "fast-final",
    inclusion: "proven",
    blockHash: status.block?.blockHash,
    receipt: { isSuccess: true },
  });
});

it("an operator that signs two claims at one height is convicted on every node", async () => {
  const rollupId = 902n;
  const [, , , , operator] = network.deployment.operators;
  if (operator === undefined) throw new Error("no fifth operator");
  const equivocator = await startEquivocator({
    domain: network.deployment.domain,
    operator: operator.address,
    secretKey: fifth.secretKey,
    bootNodes: network.describe().bootNodes,
  });
  await until("peers", async () => (equivocator.peers() >= 3 ? true : null));
  const claim = await until("a certificate", async () => {
    const { data } = await read(network.apiUrl, "finality", { rollupId });
    return data.certificate?.claim ?? null;
  });
  equivocator.attest([claim, contradict(claim)]);
  for (const node of [...network.operators, network.observer]) {
    const evidence = await until(`evidence on ${node.name}`, async () => {
      const { data } = await read(node.apiUrl, "evidence", {});
      return data[0] ?? null;
    });
    expect(evidence).toMatchObject({ operator: operator.address, rollupId });
  }
  await equivocator.stop();
  const { data } = await read(network.apiUrl, "evidence", {});
  const set = await read(network.apiUrl, "operatorSet", { epoch: claim.epoch });
  const [evidence] = data;
  if (evidence === undefined) throw new Error("no evidence");
  const evidenceFile = join(folder, "evidence.json");
  const setFile = join(folder, "set.json");
  writeFileSync(evidenceFile, JSON.stringify(encodeEvidence(evidence)));
  writeFileSync(setFile, JSON.stringify(encodeOperatorSet(set.data)));
  const { chainId, verifyingContract } = network.deployment.domain;
  const answer = await runCommand(
    `npm run --silent mach -- evidence verify ${evidenceFile} --operator-set ${setFile} ` +
      `--chain-id ${chainId} --contract ${verifyingContract} --json`,
  );
  expect(answer.exitCode).toBe(0);
  expect(JSON.parse(answer.stdout)).toMatchObject({ valid: true, operators: [operator.address] });
});

it("a light client on the other rollup follows the operators' set update", async () => {
  const lightClients = await network.lightClients;
  const light = lightClients.find((each) => each.rollupId === 902n);
  const source = lightClients.find((each) => each.rollupId === light?.paymentsFrom)?.paymentSource;
  if (light === undefined || source === undefined) throw new Error("no light client");
  payments = payAcross(network, light, source);
  // Its first set is that of epoch 0: the next one it takes from the operators alone.
  expect(await payments.followSets(1n)).toBe(1);
});

it("the evidence that a node serves has the operator slashed on L1, once", async () => {
  const [, , , , operator] = network.deployment.operators;
  if (operator === undefined) throw new Error("no fifth operator");
  const provider = new JsonRpcProvider(network.l1.rpcUrl, undefined, { staticNetwork: true });
  const vault = new Contract(network.deployment.vault, STAKE_VAULT_ABI, provider);
  const stake = async (): Promise<bigint> =>
    BigInt(String(await vault.getFunction("slashableOf").staticCall(operator.address)));
  const before = await stake();
  const payer = await writeWallet(folder, "reporter", deployerAccount());
  const served = await (await fetch(`${network.apiUrl}/v1/evidence`)).text();
  const command =
    "npm run --silent mach -- evidence submit - --json --network " +
    `${network.folder}/network.json`;
  const planned = await runCommand(`${command} --dry-run`, served);
  expect(planned.exitCode).toBe(0);
  const taken = { operator: operator.address, source: network.deployment.vault };
  expect(JSON.parse(planned.stdout)).toMatchObject({
    submitted: false,
    operators: [operator.address],
    expected: [{ ...taken, assets: String(before / 2n) }],
  });
  expect(await stake()).toBe(before);
  const answer = await runCommand(`${command} ${payer}`, served);
  expect(answer.exitCode).toBe(0);
  expect(JSON.parse(answer.stdout)).toMatchObject({
    submitted: true,
    code: "convicted",
    kind: "double-attestation",
    taken: [{ ...taken, received: String(before / 2n) }],
  });
  expect(await stake()).toBe(before / 2n);
  provider.destroy();
  const again = await runCommand(`${command} ${payer}`, served);
  expect(again.exitCode).toBe(1);
  expect(JSON.parse(again.stdout)).toEqual({ submitted: false, code: "already-convicted" });
});

it("a payment on one rollup is paid out on the other, under the operators' own certificate", async () => {
  await until("epoch 1", async () => {
    const { data } = await read(network.apiUrl, "network", {});
    return data.currentEpoch !== null && data.currentEpoch >= 1n ? true : null;
  });
  const recipient = `0x${"c0ffee".padStart(40, "0")}` as const;
  const payment = { recipient, amountWei: 10n ** 15n };
  const block = await payments.certificateOf(await payments.payIn(recipient, payment.amountWei));
  await payments.followSets(block.certificate.claim.epoch);
  expect(await payments.payOut(block, payment)).toBe(false);
  expect(await payments.submit(block.certificate)).toBe(true);
  expect(await payments.payOut(block, payment)).toBe(true);
  expect(await payments.balanceOf(recipient)).toBe(payment.amountWei);
  expect(await payments.payOut(block, payment)).toBe(false);
});

it("a node reports who voted, and what the operator that never ran has missed", async () => {
  const [, , , , absent] = network.deployment.operators;
  if (absent === undefined) throw new Error("no fifth operator");
  const summaries = await until("votes to be counted", async () => {
    const { data } = await read(network.apiUrl, "operators", { epoch: 0n });
    return data.some(({ missed }) => missed > 0) ? data : null;
  });
  for (const { operator, made, missed } of summaries) {
    if (operator === absent.address) expect(missed).toBeGreaterThan(made);
    else expect(made).toBeGreaterThan(0);
  }
  const { data } = await read(network.apiUrl, "operator", { operator: absent.address });
  const reasons = data.participation.flatMap((each) => each.reasons);
  // It has signed one height, by hand: below that it has skipped what it missed.
  const missed = expect.stringMatching(/^missed (silent|skipped)$/);
  const told = reasons.map(({ kind, reason }) => `${kind} ${reason}`);
  expect(told).toEqual(expect.arrayContaining([missed]));
});

it("one lost operator changes nothing; two stop it, and all is made up for when they return", async () => {
  const rollupIds = network.rollups.map(({ rollupId }) => rollupId);
  const [first, second] = network.operators;
  if (first === undefined || second === undefined) throw new Error("no operators");
  await kill(0);
  for (const rollupId of rollupIds) {
    const before = await until("a height", () => fastFinalHeight(rollupId));
    await until("certificates to go on", async () => {
      const height = await fastFinalHeight(rollupId);
      return height !== null && height >= before + 4n ? true : null;
    });
  }
  await kill(1);
  const stoppedAt = new Map<bigint, bigint>();
  for (const rollupId of rollupIds) {
    const reason = await until("the reason", async () => {
      const { data } = await read(network.apiUrl, "finality", { rollupId });
      stoppedAt.set(rollupId, data.fastFinal?.blockNumber ?? 0n);
      return data.reason?.code === "below-threshold" ? data.reason : null;
    });
    // Of 22, 24, 26, 28 and 1 the third and the fourth are left; the last one's stake was slashed,
    // so that it weighs nothing in an epoch with a later snapshot.
    expect(reason.presentWeight).toBe(54n);
    expect([67n, 68n]).toContain(reason.requiredWeight);
  }
  const missedUpTo = new Map<bigint, bigint>();
  for (const rollupId of rollupIds) {
    const stopped = stoppedAt.get(rollupId) ?? 0n;
    const observed = await until("blocks without certificates", async () => {
      const { data } = await read(network.apiUrl, "finality", { rollupId });
      const height = data.observed?.blockNumber ?? 0n;
      return height >= stopped + 4n ? height : null;
    });
    expect(await fastFinalHeight(rollupId)).toBe(stopped);
    missedUpTo.set(rollupId, observed);
  }
  const again = [first, second].map((node) => spawnShell(node.entry().command));
  for (const rollupId of rollupIds) {
    const observed = missedUpTo.get(rollupId) ?? 0n;
    await until("finality to catch up", async () => {
      const height = await fastFinalHeight(rollupId);
      return height !== null && height > observed ? true : null;
    });
    for (let block = (stoppedAt.get(rollupId) ?? 0n) + 1n; block <= observed; block += 1n) {
      const { data } = await read(network.apiUrl, "block", { rollupId, block });
      expect(["fast-final", "safe", "finalized"]).toContain(data.status);
      expect(data.certificate).not.toBeNull();
    }
  }
  for (const node of [first, second]) {
    const role = await until("both to be back", async () => {
      const { data } = await read(node.apiUrl, "health", {});
      return data.role;
    });
    expect(role).toBe("operator");
  }
  await network.stop();
  await Promise.all(again.map((child) => child.ended));
});

/** Runs a line as a person would in a shell: without what the test runner has set for itself. */
function spawnShell(command: string): { readonly ended: Promise<number | null> } {
  const { NODE_PATH: _, ...env } = process.env;
  const child = spawn("sh", ["-c", `exec ${command}`], { cwd: ROOT, env, stdio: "ignore" });
  return { ended: new Promise((resolve) => child.once("exit", resolve)) };
}

function runCommand(
  command: string,
  input = "",
): Promise<{ exitCode: number | null; stdout: string }> {
  const child = spawn("sh", ["-c", command], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  let stdout = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, stdout })));
}
