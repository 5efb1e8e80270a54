// A relayer of a bridge: it polls for payments that began on one rollup, and has the contract on the
// other chain pay them out as soon as their block is fast-final. The contract trusts its light client
// alone, so that a relayer that is wrong, or lied to, pays gas for nothing and releases nothing.
import type { FastFinalBlock, MachClient, Policy, ProvenTransaction } from "@mach/sdk";
import { MachProvider } from "@mach/sdk/ethers";
import { AbiCoder, Contract, Interface, keccak256, type Signer } from "ethers";

export interface RelayerOptions {
  readonly mach: MachClient;
  /** A node's API, for calldata. The contract checks what it gets: it needs no trust. */
  readonly apiUrl: string;
  /** Of what is at risk: docs/consumers.md says what to set. */
  readonly policy: Policy;
  readonly source: {
    readonly rollupId: bigint;
    readonly rpcUrl: string;
    readonly contract: string;
  };
  /** The light client and the payments' contract, on the signer's chain. */
  readonly target: {
    readonly signer: Signer;
    readonly lightClient: string;
    readonly payments: string;
  };
  readonly fromBlock: number;
}

/** A transaction with payments that this relayer saw, and what came of it in this round. */
export interface Relayed {
  readonly transactionHash: string;
  /** `released`, or the code of what it waits for: the next round asks again. */
  readonly outcome: string;
}

const SOURCE = new Interface([
  "event PaymentSent(uint256 indexed paymentId, address indexed recipient, uint256 amount)",
]);
const LIGHT_CLIENT = ["function isFastFinal(uint64, uint64, bytes32) view returns (bool)"];
const PAYMENTS = [
  "function isPaid(uint256) view returns (bool)",
  `function release(
    (uint256 paymentId, address recipient, uint256 amount) payment,
    (uint64 certifiedNumber, bytes[] headersAbove, bytes header, bytes[] accountProof,
      bytes[] storageProof) proof)`,
];

interface Payment {
  readonly paymentId: bigint;
  readonly recipient: string;
  readonly amount: bigint;
}

/** A relayer whose `poll` releases what can be released by now. */
export function createRelayer(options: RelayerOptions): {
  poll(): Promise<readonly Relayed[]>;
  close(): void;
} {
  const { mach, policy, source, target } = options;
  const { rollupId } = source;
  // Its tag `finalized` is the verified head that meets the policy; without one a request fails.
  const provider = new MachProvider(source.rpcUrl, { mach, rollupId, policy });
  const payments = new Contract(target.payments, PAYMENTS, target.signer);
  const waiting = new Set<`0x${string}`>();
  let fromBlock = options.fromBlock;

  async function collect(): Promise<void> {
    const head = await provider.getBlock("finalized");
    if (head === null || head.number < fromBlock) return;
    const topics = SOURCE.encodeFilterTopics("PaymentSent", []);
    const range = { fromBlock, toBlock: head.number };
    const logs = await provider.getLogs({ address: source.contract, topics, ...range });
    // What the RPC adds is not believed; what it leaves out is missed, so let it be your own.
    for (const log of logs) waiting.add(log.transactionHash as `0x${string}`);
    fromBlock = head.number + 1;
  }

  async function relay(hash: `0x${string}`): Promise<string> {
    const transaction = await mach.getTransaction({ rollupId, hash, policy });
    if (transaction.status !== "fast-final") return transaction.code;
    // Without being asked for the mere word of endpoints the client answers with proofs alone.
    if (transaction.inclusion !== "proven") return "no-proof";
    for (const payment of paymentsIn(transaction.receipt.logs, source.contract)) {
      if (await payments.getFunction("isPaid")(payment.paymentId)) continue;
      await submitCertificate(options, transaction);
      const proof = await proveSlot(payment, transaction);
      await (await payments.getFunction("release")(payment, proof)).wait();
    }
    return "released";
  }

  async function proveSlot(
    payment: Payment,
    within: FastFinalBlock & ProvenTransaction,
  ): Promise<object> {
    const slot = keccak256(
      AbiCoder.defaultAbiCoder().encode(["uint256", "uint256"], [payment.paymentId, 0]),
    );
    const tag = `0x${within.blockNumber.toString(16)}`;
    const proof = (await provider.send("eth_getProof", [source.contract, [slot], tag])) as {
      readonly accountProof: readonly string[];
      readonly storageProof: readonly { readonly proof: readonly string[] }[];
    };
    return {
      certifiedNumber: within.certificate.claim.blockNumber,
      headersAbove: within.headers,
      header: within.header,
      accountProof: proof.accountProof,
      storageProof: proof.storageProof[0]?.proof,
    };
  }

  return {
    async poll() {
      await collect();
      const relayed: Relayed[] = [];
      for (const transactionHash of waiting) {
        const outcome = await relay(transactionHash);
        if (outcome === "released") waiting.delete(transactionHash);
        relayed.push({ transactionHash, outcome });
      }
      return relayed;
    },
    close: () => provider.destroy(),
  };
}

/** What the proven receipt says, of the one contract that counts. */
function paymentsIn(
  logs: readonly {
    readonly address: string;
    readonly topics: readonly string[];
    readonly data: string;
  }[],
  contract: string,
): readonly Payment[] {
  return logs.flatMap(({ address, topics, data }) => {
    if (address !== contract.toLowerCase()) return [];
    const event = SOURCE.parseLog({ topics: [...topics], data });
    if (event === null) return [];
    const [paymentId, recipient, amount] = event.args;
    return [{ paymentId, recipient, amount }];
  });
}

/** Brings the certificate to the light client, unless somebody has. */
async function submitCertificate(
  { apiUrl, target, source }: RelayerOptions,
  { certificate }: FastFinalBlock,
): Promise<void> {
  const { certificateId, claim } = certificate;
  const lightClient = new Contract(target.lightClient, LIGHT_CLIENT, target.signer);
  const isFastFinal = lightClient.getFunction("isFastFinal");
  if (await isFastFinal(source.rollupId, claim.blockNumber, claim.blockHash)) return;
  const url = new URL(`/v1/certificates/${certificateId}?format=calldata`, apiUrl);
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`no calldata: ${response.status}`);
  const { data } = (await response.json()) as { data: { submitCertificate: string } };
  const to = target.lightClient;
  const sent = await target.signer.sendTransaction({ to, data: data.submitCertificate });
  await sent.wait();
}
