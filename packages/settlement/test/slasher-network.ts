import { createNativeBls, type SecretKey } from "@mach/bls";
import {
  bitfieldFromIndices,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type Domain,
  fromHex,
  type Hex,
  isHex,
  type OperatorSet,
  type SetUpdate,
  setUpdateDigest,
  uintWord,
} from "@mach/core";
import { Contract, ContractFactory, type Wallet } from "ethers";
import {
  addRollup,
  createRegistryReader,
  REGISTRY_ABI,
  type RegistryReader,
  SLASHER_ABI,
  WEIGHTED_SOURCES_ABI,
} from "../src/index.ts";
import { type Anvil, CHAIN_ID, DEPLOYER_KEY, finalizeAt, mined, startAnvil } from "./anvil.ts";
import { creationCode } from "./creation-code.ts";
import { EPOCH_SECONDS, join, newestTimestamp, signerFor, UNIT, WEIGHTS } from "./network.ts";

export const CHALLENGE_SECONDS = 30n;
export const EVIDENCE_SECONDS = 300n;
/** With an adapter, and without. */
export const SETTLED = 901n;
export const UNSETTLED = 902n;
/** Asks for more than two thirds. */
export const STRICT = 903n;
export const STRICT_BPS = 9_000;
/** What a conviction costs here: a tenth, of which a tenth is the reporter's. */
const WAD = UNIT / 10n;
const REPORTER_SHARE_BPS = 1_000;
const DESTINATION: Hex = `0x${"de57".repeat(10)}`;

/** An L1 with a slasher, four operators with stake, and the sets of epochs 1 and 2 final. */
export interface SlasherNetwork {
  readonly anvil: Anvil;
  readonly signer: Wallet;
  readonly registry: Hex;
  readonly slasher: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
  readonly domain: Domain;
  readonly sources: Hex;
  readonly genesisTime: bigint;
  readonly reader: RegistryReader;
  /** Lets a source weigh as much as it says, from the next block on. */
  addSource(source: Hex): Promise<void>;
  /** Mines a block at this time, in seconds after an epoch began. */
  warpTo(epoch: bigint, seconds: bigint): Promise<void>;
  stop(): Promise<void>;
}

const bls = createNativeBls();

export async function startSlasherNetwork(): Promise<SlasherNetwork> {
  const anvil = await startAnvil();
  const signer = signerFor(anvil, DEPLOYER_KEY);
  const genesisTime = (await newestTimestamp(anvil)) + 1_000n;
  const deployed = await deployAll({ anvil, signer, genesisTime });
  const { registry, slasher, vault, asset, sources } = deployed;
  for (const [rollupId, stack, settlement] of [
    [SETTLED, "op", await deploy(signer, adapterOf(SETTLED))],
    [UNSETTLED, "evm", undefined],
    [STRICT, "evm", undefined],
  ] as const) {
    const thresholdBps = rollupId === STRICT ? STRICT_BPS : 6667;
    const rollup = { rollupId, stack, attestationInterval: 1n, thresholdBps };
    const listed = { signer, registry, rollup: { ...rollup, verification: 1 as const } };
    const done = await addRollup(settlement === undefined ? listed : { ...listed, settlement });
    if (!done.ok) throw new Error(done.code);
  }
  for (const [index, weight] of WEIGHTS.entries()) {
    await join({ anvil, registry, vault, asset }, index + 1, weight);
  }
  await finalizeAt(anvil, genesisTime + EPOCH_SECONDS);
  for (const epoch of [1n, 2n]) {
    await mined(
      await new Contract(registry, REGISTRY_ABI, signer).getFunction("fixEpoch").send(epoch),
    );
  }
  await anvil.rpc("anvil_mine", ["0x3"]);
  const reader = createRegistryReader(
    { bls },
    {
      ...{ rpcUrls: [anvil.url], requiredAgreement: 1, chainId: CHAIN_ID },
      ...{ registry, timeoutMs: 5_000 },
    },
  );
  return {
    ...{ anvil, signer, registry, slasher, vault, asset, sources, genesisTime, reader },
    addSource: (source) => addSource({ anvil, ...deployed }, source),
    domain: { chainId: CHAIN_ID, verifyingContract: registry },
    warpTo: (epoch, seconds) => finalizeAt(anvil, genesisTime + epoch * EPOCH_SECONDS + seconds),
    async stop() {
      signer.provider?.destroy();
      await reader.close();
      await anvil.stop();
    },
  };
}

interface Deployed {
  readonly timelock: Hex;
  readonly sources: Hex;
  readonly registry: Hex;
  readonly slasher: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
}

async function deployAll(network: {
  readonly anvil: Anvil;
  readonly signer: Wallet;
  readonly genesisTime: bigint;
}): Promise<Deployed> {
  const { anvil, signer, genesisTime } = network;
  const owner = await signer.getAddress();
  const asset = await deploy(signer, creationCode("LocalToken"));
  const timelock = await deploy(signer, creationCode("TimelockController"), [
    ["uint256", "address[]", "address[]", "address"],
    [661, [owner], [owner], owner],
  ]);
  const sources = await deploy(signer, creationCode("WeightedSources"), [["address"], [timelock]]);
  const registry = await deploy(signer, creationCode("Registry"), [
    ["address", "address", "uint64", "uint64"],
    [owner, sources, genesisTime, EPOCH_SECONDS],
  ]);
  const windows = [60n, CHALLENGE_SECONDS, EVIDENCE_SECONDS, 601n];
  const parameters = [[WAD, WAD, WAD, WAD, WAD], DESTINATION, REPORTER_SHARE_BPS];
  const slasher = await deploy(signer, creationCode("Slasher"), [
    [
      ...["address", "address", "tuple(uint64, uint64, uint64, uint64)"],
      "tuple(uint64[5], address, uint16)",
    ],
    [timelock, registry, windows, parameters],
  ]);
  const vault = await deploy(signer, creationCode("StakeVault"), [
    ["address", "uint256", "uint256", "address"],
    [asset, UNIT, 600n, slasher],
  ]);
  await anvil.rpc("anvil_impersonateAccount", [timelock]);
  await anvil.rpc("anvil_setBalance", [timelock, "0x56bc75e2d63100000"]);
  const deployed = { timelock, sources, registry, slasher, vault, asset };
  await addSource({ anvil, ...deployed }, vault);
  return deployed;
}

/** As the timelock, whose delay has no place in these tests. */
async function addSource(
  network: Pick<Deployed, "timelock" | "sources"> & { readonly anvil: Anvil },
  source: Hex,
): Promise<void> {
  const { anvil, timelock, sources } = network;
  const { interface: weighted } = new Contract(sources, WEIGHTED_SOURCES_ABI);
  const data = weighted.encodeFunctionData("setSource", [source, 10_000, 2n ** 64n]);
  await anvil.rpc("eth_sendTransaction", [{ from: timelock, to: sources, data }]);
}

/** A settlement adapter that answers every question with its rollup's id. */
function adapterOf(rollupId: bigint): Hex {
  return `0x69${"61"}${rollupId.toString(16).padStart(4, "0")}5f5260205ff3005f52600a6016f3`;
}

/** Deploys what creation code makes; its address. */
export async function deploy(
  signer: Wallet,
  code: Hex,
  args: readonly [types: readonly string[], values: readonly unknown[]] | readonly [] = [],
): Promise<Hex> {
  const [types = [], values = []] = args;
  const factory = new ContractFactory([`constructor(${types.join(", ")})`], code, signer);
  const deployed = await factory.deploy(...values);
  await mined(deployed.deploymentTransaction());
  const address = (await deployed.getAddress()).toLowerCase();
  if (!isHex(address, 20)) throw new Error("no address");
  return address;
}

/** What the account of a slasher's contract reads, for assertions. */
export function slasherAt(network: SlasherNetwork): Contract {
  return new Contract(network.slasher, SLASHER_ABI, network.signer);
}

/** Signs for the test's operators, by their place in the set. */
export interface SetSigner {
  readonly operatorSet: OperatorSet;
  sign(index: number, digest: Hex): Hex;
  certificate(claim: Claim, indices: readonly number[]): Certificate;
  setUpdate(epoch: bigint, operatorSetHash: Hex, indices: readonly number[]): SetUpdate;
}

/** Keys are those that `join` gives: operator n has the secret n. */
export async function signersOf(network: SlasherNetwork, epoch: bigint): Promise<SetSigner> {
  const read = await network.reader.readOperatorSet(epoch);
  if (!read.ok) throw new Error(read.code);
  const { operatorSet } = read;
  const { domain } = network;
  const secrets = operatorSet.operators.map(({ publicKey }) => secretFor(publicKey));
  const sign = (index: number, digest: Hex): Uint8Array => {
    const secret = secrets[index];
    if (secret === undefined) throw new Error("no such operator");
    return bls.sign(secret, digest).uncompressed;
  };
  const sum = (indices: readonly number[], digest: Hex): { signers: Hex; signature: Hex } => {
    const signature = bls.aggregateSignatures(indices.map((index) => sign(index, digest)));
    if (signature === null) throw new Error("nobody signed");
    return { signers: bitfieldFromIndices(indices, secrets.length), signature };
  };
  return {
    operatorSet,
    sign: (index, digest) => sum([index], digest).signature,
    certificate(claim, indices) {
      const { operatorSetHash } = operatorSet;
      const digest = claimDigest(domain, claim);
      const signed = sum(indices, digest);
      const id = certificateId({ digest, operatorSetHash, signers: signed.signers });
      return { version: 1, certificateId: id, domain, claim, operatorSetHash, ...signed };
    },
    setUpdate(of, operatorSetHash, indices) {
      const signed = sum(indices, setUpdateDigest(domain, { epoch: of, operatorSetHash }));
      const signedBy = operatorSet.operatorSetHash;
      return { version: 1, domain, epoch: of, operatorSetHash, signedBy, ...signed };
    },
  };
}

function secretFor(publicKey: Hex): SecretKey {
  for (let number = 1; number <= WEIGHTS.length; number++) {
    const secret = bls.secretKeyFromBytes(fromHex(uintWord(number)));
    if (secret !== null && bls.publicKeyOf(secret) === publicKey) return secret;
  }
  throw new Error("another's key");
}
