import type { Certificate, Hex, OperatorSet, SetUpdate } from "@mach/core";
import { Contract, type Signer } from "ethers";
import { FINALITY_LIGHT_CLIENT_ABI } from "./abi/finality-light-client.ts";
import {
  type CalldataFailure,
  type SignersResult,
  toSignersArgument,
} from "./certificate-calldata.ts";
import type { PointEncoder } from "./set-argument.ts";
import { type TransactionResult, transact } from "./transaction.ts";

/** Where a light client stands and who pays there. */
export interface LightClientTarget {
  readonly bls: PointEncoder;
  readonly signer: Signer;
  readonly lightClient: Hex;
  readonly timeoutMs?: number;
}

export type LightClientResult =
  | TransactionResult
  /** The document is none that the contract has an encoding for. */
  | { readonly ok: false; readonly code: CalldataFailure };

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Brings a certificate to a light client. `operatorSet` is its epoch's. Does not verify it: the
 * contract does, and refuses as `reverted`.
 */
export function submitCertificate(
  target: LightClientTarget,
  certificate: Certificate,
  operatorSet: OperatorSet,
): Promise<LightClientResult> {
  return submit(target, certificate, {
    method: "submitCertificate",
    operatorSet,
    head: [certificate.claim],
  });
}

/** Brings a set update to a light client. `operatorSet` is the one of the epoch before, which signed. */
export function submitSetUpdate(
  target: LightClientTarget,
  update: SetUpdate,
  operatorSet: OperatorSet,
): Promise<LightClientResult> {
  return submit(target, update, {
    method: "submitSetUpdate",
    operatorSet,
    head: [update.epoch, update.operatorSetHash],
  });
}

async function submit(
  target: LightClientTarget,
  signed: Pick<Certificate, "signers" | "signature">,
  call: {
    readonly method: "submitCertificate" | "submitSetUpdate";
    readonly operatorSet: OperatorSet;
    readonly head: readonly unknown[];
  },
): Promise<LightClientResult> {
  const { bls, signer, lightClient, timeoutMs = DEFAULT_TIMEOUT_MS } = target;
  const contract = new Contract(lightClient, FINALITY_LIGHT_CLIENT_ABI, signer);
  const encoded: SignersResult = toSignersArgument(bls, signed, call.operatorSet);
  if (!encoded.ok) return encoded;
  return transact({
    contract,
    method: call.method,
    args: [...call.head, encoded.signers],
    timeoutMs,
  });
}
