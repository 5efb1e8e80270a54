import { createNativeBls } from "@mach/bls";
import {
  type Certificate,
  concatHex,
  type Hex,
  keccak256,
  type OperatorSet,
  uintWord,
} from "@mach/core";
import {
  createL1Signer,
  FAST_PAYMENTS_ABI,
  FINALITY_LIGHT_CLIENT_ABI,
  type LightClientResult,
  PAYMENT_SOURCE_ABI,
  submitCertificate,
  submitSetUpdate,
} from "@mach/settlement";
import { Contract, JsonRpcProvider, type Wallet } from "ethers";
import { checkHeader } from "../../packages/rollups/src/header.ts";
import { deployerAccount } from "../../scripts/local-network/accounts.ts";
import type { DeployedLightClient } from "../../scripts/local-network/light-clients.ts";
import type { LocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

/** A payment that began on one rollup and is paid out on another, by what their contracts say. */
export interface CrossRollupPayment {
  /** Follows the operators' set updates up to an epoch; how many that took. */
  followSets(upTo: bigint): Promise<number>;
  /** Pays in on the first rollup; the block that holds it. */
  payIn(recipient: Hex, amountWei: bigint): Promise<bigint>;
  /** The network's own certificate that covers a block, and the headers between. */
  certificateOf(blockNumber: bigint): Promise<CoveredBlock>;
  /** Brings it to the light client; whether the block is fast-final there now. */
  submit(certificate: Certificate): Promise<boolean>;
  /** Has the example consumer pay out what began in a block; false where it refuses. */
  payOut(block: CoveredBlock, payment: { recipient: Hex; amountWei: bigint }): Promise<boolean>;
  balanceOf(account: Hex): Promise<bigint>;
  close(): void;
}

export interface CoveredBlock {
  readonly blockNumber: bigint;
  readonly certificate: Certificate;
  /** From the certified block's down to the one above this block; none where they are one. */
  readonly headersAbove: readonly Hex[];
}

const CALL_TIMEOUT_MS = 10_000;
const PAYMENT_ID = 0n;

/** Payments from the rollup whose chain `light.paymentsFrom` names to the one where it stands. */
export function payAcross(
  network: LocalNetwork,
  light: DeployedLightClient,
  source: Hex,
): CrossRollupPayment {
  const bls = createNativeBls();
  const from = signerOn(network, light.paymentsFrom);
  const to = signerOn(network, light.rollupId);
  const target = { bls, signer: to, lightClient: light.lightClient };
  const client = new Contract(light.lightClient, FINALITY_LIGHT_CLIENT_ABI, to);
  const fastPayments = new Contract(light.fastPayments, FAST_PAYMENTS_ABI, to);
  const rollupId = light.paymentsFrom;

  async function setOf(epoch: bigint): Promise<OperatorSet> {
    return (await read(network.apiUrl, "operatorSet", { epoch })).data;
  }

  return {
    async followSets(upTo) {
      let followed = 0;
      let newest = BigInt(String(await client.getFunction("newestEpoch")()));
      while (newest < upTo) {
        const epoch = newest + 1n;
        const update = await until(`the update of epoch ${epoch}`, async () => {
          return (await read(network.apiUrl, "setUpdate", { epoch })).data;
        });
        expectSent(await submitSetUpdate(target, update, await setOf(newest)));
        newest = epoch;
        followed++;
      }
      return followed;
    },
    async payIn(recipient, amountWei) {
      const contract = new Contract(source, PAYMENT_SOURCE_ABI, from);
      const sent = await contract.getFunction("send")(recipient, { value: amountWei });
      const receipt = await sent.wait(1, CALL_TIMEOUT_MS);
      return BigInt(receipt.blockNumber);
    },
    async certificateOf(blockNumber) {
      return await until("the block's certificate", async () => {
        const { data } = await read(network.apiUrl, "block", { rollupId, block: blockNumber });
        const { certificate, headers } = data;
        return certificate && { blockNumber, certificate, headersAbove: headers ?? [] };
      });
    },
    async submit(certificate) {
      const { claim } = certificate;
      expectSent(await submitCertificate(target, certificate, await setOf(claim.epoch)));
      const view = client.getFunction("isFastFinal");
      return (await view(rollupId, claim.blockNumber, claim.blockHash)) === true;
    },
    async payOut(block, { recipient, amountWei }) {
      const payment = { paymentId: PAYMENT_ID, recipient, amount: amountWei };
      const proof = await proveAt(from, block, source);
      const release = fastPayments.getFunction("release");
      const isAccepted = await release.staticCall(payment, proof).then(
        () => true,
        () => false,
      );
      if (isAccepted) await (await release(payment, proof)).wait(1, CALL_TIMEOUT_MS);
      return isAccepted;
    },
    async balanceOf(account) {
      return (await to.provider?.getBalance(account)) ?? 0n;
    },
    close() {
      from.provider?.destroy();
      to.provider?.destroy();
    },
  };
}

/** The proof that the payment is in the state after a block, from the rollup's own node. */
async function proveAt(from: Wallet, covered: CoveredBlock, source: Hex): Promise<unknown> {
  const { provider } = from;
  if (!(provider instanceof JsonRpcProvider)) throw new Error("no provider");
  const { blockNumber, certificate, headersAbove } = covered;
  const tag = `0x${blockNumber.toString(16)}`;
  const header = checkHeader(await provider.send("eth_getBlockByNumber", [tag, false]));
  if (!header.ok) throw new Error(header.code);
  const slot = keccak256(concatHex(uintWord(PAYMENT_ID), uintWord(0)));
  const proof: {
    readonly accountProof: readonly string[];
    readonly storageProof: readonly { readonly proof: readonly string[] }[];
  } = await provider.send("eth_getProof", [source, [slot], tag]);
  return {
    certifiedNumber: certificate.claim.blockNumber,
    headersAbove,
    header: header.headerRlp,
    accountProof: proof.accountProof,
    storageProof: proof.storageProof[0]?.proof,
  };
}

/** The first of anvil's accounts, which nothing else sends from once all is deployed. */
export function signerOn(network: LocalNetwork, rollupId: bigint): Wallet {
  const rollup = network.rollups.find((each) => each.rollupId === rollupId);
  if (rollup === undefined) throw new Error("no such rollup");
  const { privateKey } = deployerAccount();
  const chain = { rpcUrl: rollup.rpcUrl, chainId: rollupId };
  return createL1Signer({ ...chain, privateKey, timeoutMs: CALL_TIMEOUT_MS });
}

function expectSent(result: LightClientResult): void {
  if (result.ok) return;
  throw new Error("error" in result ? `${result.code}: ${result.error}` : result.code);
}
