import { createNativeBls, type NativeBls } from "@mach/bls";
import {
  bitfieldFromIndices,
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type Domain,
  epochAt,
  epochStart,
  fromHex,
  type Hex,
  isHex,
  keccak256,
  keccak256Text,
  type OperatorSet,
  type SetUpdate,
  setUpdateDigest,
  uintWord,
} from "@mach/core";
import {
  AbiCoder,
  type BaseContract,
  Contract,
  ContractFactory,
  encodeRlp,
  type Signer,
} from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  encodeLightClientCall,
  FAST_PAYMENTS_ABI,
  FINALITY_LIGHT_CLIENT_ABI,
  HYPERLANE_FINALITY_MODULE_ABI,
  PAYMENT_SOURCE_ABI,
  submitCertificate,
  submitSetUpdate,
} from "../src/index.ts";
import { type Anvil, CHAIN_ID, DEPLOYER_KEY, mined, startAnvil } from "./anvil.ts";
import { creationCode } from "./creation-code.ts";
import { newestTimestamp, signerFor } from "./network.ts";

const RECIPIENT = "0x00000000000000000000000000000000000000b0";
const AMOUNT = 10n ** 18n;
const DOMAIN: Domain = {
  chainId: 1n,
  verifyingContract: "0x51cbbfb68417acf09be637f1cd93e72c1214c273",
};

interface RpcReceipt {
  readonly type: string;
  readonly status: string;
  readonly blockNumber: string;
  readonly cumulativeGasUsed: string;
  readonly logsBloom: string;
  readonly logs: readonly {
    readonly address: string;
    readonly topics: readonly string[];
    readonly data: string;
  }[];
}

type RpcBlock = Readonly<Record<string, string>>;

const bls: NativeBls = createNativeBls();
const secrets = [1, 2, 3, 4].map((number) => {
  const secret = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (secret === null) throw new Error("no secret key");
  return secret;
});

let anvil: Anvil;
let signer: Signer;
let source: Contract;
let client: Contract;
let payments: Contract;
let schedule: { readonly genesisTime: bigint; readonly epochSeconds: bigint };

/** One chain is the rollup and the chain of the light client as well: neither knows. */
beforeAll(async () => {
  anvil = await startAnvil();
  signer = signerFor(anvil, DEPLOYER_KEY);
  schedule = { genesisTime: (await newestTimestamp(anvil)) - 600n, epochSeconds: 1_000n };
  source = await deploy(PAYMENT_SOURCE_ABI, creationCode("PaymentSource"), []);
  const network = { domain: DOMAIN, ...schedule, acceptanceWindow: 60n };
  const policy = { rollupId: CHAIN_ID, thresholdBps: 6667, leastVerification: 1 };
  client = await deploy(FINALITY_LIGHT_CLIENT_ABI, creationCode("FinalityLightClient"), [
    // Any contract may own it; this one never asks for anything.
    await source.getAddress(),
    network,
    0n,
    setOf(0n).operatorSetHash,
    [policy],
  ]);
  payments = await deploy(
    FAST_PAYMENTS_ABI,
    creationCode("FastPayments"),
    [await client.getAddress(), CHAIN_ID, await source.getAddress()],
    5n * AMOUNT,
  );
});

afterAll(async () => {
  await anvil.stop();
});

describe("a payment under a fast-final block", () => {
  it("is paid out on the proofs of a node, after one followed set update", async () => {
    const next = setOf(1n).operatorSetHash;
    const digest = setUpdateDigest(DOMAIN, { epoch: 1n, operatorSetHash: next });
    const target = { bls, signer, lightClient: hexOf((await client.getAddress()).toLowerCase()) };
    const update: SetUpdate = {
      ...{ version: 1, domain: DOMAIN, epoch: 1n, operatorSetHash: next, ...sumOf(digest) },
      signedBy: setOf(0n).operatorSetHash,
    };
    const other = { ...update, operatorSetHash: setOf(2n).operatorSetHash };
    expect(await submitSetUpdate(target, other, setOf(0n))).toMatchObject({
      ...{ ok: false, code: "reverted", error: "NotValid" },
    });
    expect(await submitSetUpdate(target, { ...update, signers: "0xff" }, setOf(0n))).toEqual({
      ...{ ok: false, code: "malformed" },
    });
    expect(await submitSetUpdate(target, update, setOf(0n))).toMatchObject({ ok: true });
    await anvil.rpc("evm_setNextBlockTimestamp", [Number(epochStart(schedule, 1n))]);

    await send(source, "send", [RECIPIENT], AMOUNT);
    const block = (await anvil.rpc("eth_getBlockByNumber", ["latest", false])) as RpcBlock;
    const claim = claimOf(block);
    expect(claim.epoch).toBe(1n);
    const header = encodeHeader(block);
    expect(keccak256(header)).toBe(claim.blockHash);

    const slot = keccak256(`0x${"00".repeat(64)}`);
    const proof = (await anvil.rpc("eth_getProof", [
      await source.getAddress(),
      [slot],
      block["number"],
    ])) as { accountProof: string[]; storageProof: { proof: string[] }[] };
    const payment = { paymentId: 0n, recipient: RECIPIENT, amount: AMOUNT };
    const release = {
      certifiedNumber: claim.blockNumber,
      headersAbove: [],
      header,
      accountProof: proof.accountProof,
      storageProof: proof.storageProof[0]?.proof,
    };
    expect(await isAccepted(payments, "release", [payment, release])).toBe(false);
    const certificate = certificateOf(claim);
    expect(await submitCertificate(target, certificate, setOf(1n))).toMatchObject({ ok: true });
    expect(
      await client.getFunction("isFastFinal")(CHAIN_ID, claim.blockNumber, claim.blockHash),
    ).toBe(true);
    await send(payments, "release", [payment, release]);
    expect(BigInt(String(await anvil.rpc("eth_getBalance", [RECIPIENT, "latest"])))).toBe(AMOUNT);
    expect(await isAccepted(payments, "release", [payment, release])).toBe(false);
  });
});

describe("a Hyperlane message", () => {
  it("is delivered on the receipt of a node's block", async () => {
    const dispatchId = keccak256Text("DispatchId(bytes32)").slice(2);
    // Logs DispatchId with the first word of its calldata, as the Mailbox does.
    const mailbox = await deploy([], `0x60278060095f395ff35f357f${dispatchId}5f5fa200`, []);
    const mailboxAddress = hexOf((await mailbox.getAddress()).toLowerCase());
    const module = await deploy(
      HYPERLANE_FINALITY_MODULE_ABI,
      creationCode("HyperlaneFinalityModule"),
      [await client.getAddress(), CHAIN_ID, 9_010, mailboxAddress, []],
    );
    const message: Hex = `0x0300000001${(9_010).toString(16).padStart(8, "0")}${"00".repeat(80)}`;
    const sent = await signer.sendTransaction({ to: mailboxAddress, data: keccak256(message) });
    await mined(sent);
    const receipt = (await anvil.rpc("eth_getTransactionReceipt", [sent.hash])) as RpcReceipt;
    const block = (await anvil.rpc("eth_getBlockByNumber", [
      receipt.blockNumber,
      false,
    ])) as RpcBlock;
    // One transaction in the block: the trie is one leaf.
    const leaf = encodeRlp(["0x2080", encodeReceipt(receipt)]);
    expect(keccak256(hexOf(leaf))).toBe(block["receiptsRoot"]);
    const claim = claimOf(block);
    const proof = [claim.blockNumber, [], encodeHeader(block), 0, [leaf], 0];
    const types = ["tuple(uint64, bytes[], bytes, uint256, bytes[], uint256)"];
    const metadata = AbiCoder.defaultAbiCoder().encode(types, [proof]);
    expect(await isAccepted(module, "verify", [metadata, message])).toBe(false);
    // The bytes that a node serves are all that is sent.
    const call = encodeLightClientCall(bls, certificateOf(claim), setOf(claim.epoch));
    if (!call.ok) throw new Error(call.code);
    await mined(
      await signer.sendTransaction({ to: await client.getAddress(), data: call.calldata }),
    );
    expect(await module.getFunction("verify")(metadata, message)).toBe(true);
    expect(await isAccepted(module, "verify", [metadata, `${message}00`])).toBe(false);
  });
});

function setOf(epoch: bigint): OperatorSet {
  const operators = secrets.map((secret, i) => ({
    operator: `0x${(i + 1).toString(16).padStart(40, "0")}` as const,
    publicKey: bls.publicKeyOf(secret),
    weight: 10n,
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

function certificateOf(claim: Claim): Certificate {
  const { operatorSetHash } = setOf(claim.epoch);
  const digest = claimDigest(DOMAIN, claim);
  const signed = sumOf(digest);
  const id = certificateId({ digest, operatorSetHash, signers: signed.signers });
  return { version: 1, certificateId: id, domain: DOMAIN, claim, operatorSetHash, ...signed };
}

/** Three of the four sign. */
function sumOf(digest: Hex): { readonly signers: Hex; readonly signature: Hex } {
  const indices = [0, 2, 3];
  const signatures = secrets
    .filter((_, index) => indices.includes(index))
    .map((secret) => bls.sign(secret, digest).uncompressed);
  const signature = bls.aggregateSignatures(signatures);
  if (signature === null) throw new Error("no signature");
  return { signers: bitfieldFromIndices(indices, secrets.length), signature };
}

function claimOf(block: RpcBlock): Claim {
  const timestamp = BigInt(block["timestamp"] ?? "");
  return {
    rollupId: CHAIN_ID,
    blockNumber: BigInt(block["number"] ?? ""),
    blockHash: hexOf(block["hash"]),
    stateRoot: hexOf(block["stateRoot"]),
    outputRoot: uintWord(0),
    timestamp,
    epoch: epochAt(schedule, timestamp) ?? -1n,
    verification: 1,
  };
}

/** The header's RLP in the order of the Yellow Paper and the forks since, up to Osaka. */
function encodeHeader(block: RpcBlock): Hex {
  const bytes = (name: string): string => hexOf(block[name]);
  const integer = (name: string): string => {
    const digits = BigInt(block[name] ?? "").toString(16);
    return digits === "0" ? "0x" : `0x${digits.padStart(digits.length + (digits.length % 2), "0")}`;
  };
  return hexOf(
    encodeRlp([
      ...["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot"].map(bytes),
      ...["receiptsRoot", "logsBloom"].map(bytes),
      ...["difficulty", "number", "gasLimit", "gasUsed", "timestamp"].map(integer),
      ...["extraData", "mixHash", "nonce"].map(bytes),
      integer("baseFeePerGas"),
      bytes("withdrawalsRoot"),
      ...["blobGasUsed", "excessBlobGas"].map(integer),
      ...["parentBeaconBlockRoot", "requestsHash"].map(bytes),
    ]),
  );
}

/** The receipt of a transaction with fees of EIP-1559. */
function encodeReceipt(receipt: RpcReceipt): string {
  expect([receipt.type, receipt.status]).toEqual(["0x2", "0x1"]);
  const gas = BigInt(receipt.cumulativeGasUsed).toString(16);
  const logs = receipt.logs.map(({ address, topics, data }) => [address, [...topics], data]);
  const evenGas = `0x${gas.padStart(gas.length + (gas.length % 2), "0")}`;
  return `0x02${encodeRlp(["0x01", evenGas, receipt.logsBloom, logs]).slice(2)}`;
}

function hexOf(value: string | undefined): Hex {
  if (value === undefined || !isHex(value)) throw new Error(`no hex: ${value}`);
  return value;
}

async function deploy(
  abi: ConstructorParameters<typeof ContractFactory>[0],
  bytecode: Hex,
  args: readonly unknown[],
  value = 0n,
): Promise<Contract> {
  const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args, { value });
  await mined(contract.deploymentTransaction());
  return new Contract(await contract.getAddress(), abi, signer);
}

async function send(
  contract: BaseContract,
  method: string,
  args: readonly unknown[],
  value = 0n,
): Promise<void> {
  await mined(await contract.getFunction(method).send(...args, { value }));
}

async function isAccepted(
  contract: BaseContract,
  method: string,
  args: readonly unknown[],
): Promise<boolean> {
  return await contract
    .getFunction(method)
    .staticCall(...args)
    .then(
      () => true,
      () => false,
    );
}
