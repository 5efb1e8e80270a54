/** The stacks whose blocks this project can check. */
export const STACKS = ["op", "evm"] as const;
export type Stack = (typeof STACKS)[number];

/** A rollup's parameters, fixed for an epoch together with the operator set. */
export interface RollupParameters {
  /** EIP-155 chain id. */
  readonly rollupId: bigint;
  readonly stack: Stack;
  /** Blocks whose number is a multiple of this are attested. */
  readonly attestationInterval: bigint;
  /** 6667 to 10000. */
  readonly thresholdBps: number;
  readonly verification: 1 | 2;
}
