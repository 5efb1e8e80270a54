/** The stacks whose blocks this project can check. */
export const STACKS = ["op", "orbit", "cdk", "zk", "evm"] as const;
export type Stack = (typeof STACKS)[number];

/** A rollup's parameters, fixed for an epoch together with the operator set. */
export interface RollupParameters {
  /** EIP-155 chain id. */
  readonly rollupId: bigint;
  readonly stack: Stack;
  /** Blocks whose number is a multiple of this are attested; zk attests each batch's last block. */
  readonly attestationInterval: bigint;
  /** 6667 to 10000. */
  readonly thresholdBps: number;
  readonly verification: 1 | 2;
}

/** Whether a rollup's claims can be about this height: see protocol section 2, "Which blocks". */
export function isAttestedHeight(
  parameters: Pick<RollupParameters, "stack" | "attestationInterval">,
  blockNumber: bigint,
): boolean {
  // Where a batch ends, its blocks say.
  return parameters.stack === "zk" || blockNumber % parameters.attestationInterval === 0n;
}
