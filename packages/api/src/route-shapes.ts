import type { Certificate, Evidence, Hex, OperatorSet, SetUpdate } from "@mach/core";
import type { BatchItem } from "./batch.ts";
import type { Topic } from "./events.ts";
import type { Alert, FollowedRollup, Health, Network } from "./network.ts";
import type { OperatorReport, OperatorSummary } from "./participation.ts";
import type { CertificatePolicy } from "./policy.ts";
import type { CertificateFormat } from "./route-fields.ts";
import type { BadgeRule, BlockStatus, Finality, TransactionStatus } from "./status.ts";

type None = Record<never, never>;
type RollupParams = { readonly rollupId: bigint };
type PageQuery = { readonly from: bigint | undefined; readonly limit: number };
type WaitQuery = { readonly wait: number | undefined };
type PolicyQuery = Pick<CertificatePolicy, "minWeightBps" | "minVerification" | "minSignedWeight">;
type FormatQuery = { readonly format: CertificateFormat | undefined };
/** A page of a list in ascending order; `next` is the `from` of the page after it. */
export type Page<T> = { readonly data: readonly T[]; readonly next: bigint | null };
/** A certificate with the rule that it fulfils. */
export type CertificateAnswer = { readonly data: Certificate; readonly rule: BadgeRule };

/** What each route takes and gives, as core values. */
export interface RouteShapes {
  readonly network: Shape<None, None, { readonly data: Network }>;
  readonly rollups: Shape<None, None, { readonly data: readonly FollowedRollup[] }>;
  readonly rollup: Shape<RollupParams, None, { readonly data: FollowedRollup }>;
  readonly finality: Shape<
    RollupParams,
    PolicyQuery & WaitQuery & { readonly minBlockNumber: bigint | undefined },
    { readonly data: Finality }
  >;
  readonly block: Shape<
    RollupParams & { readonly block: bigint | Hex },
    PolicyQuery & WaitQuery,
    { readonly data: BlockStatus }
  >;
  readonly transaction: Shape<
    RollupParams & { readonly transactionHash: Hex },
    PolicyQuery & WaitQuery,
    { readonly data: TransactionStatus }
  >;
  readonly certificates: Shape<RollupParams, PageQuery & PolicyQuery, Page<Certificate>>;
  readonly certificate: Shape<
    RollupParams & { readonly blockNumber: bigint },
    PolicyQuery & WaitQuery & FormatQuery,
    CertificateAnswer
  >;
  readonly certificateById: Shape<
    { readonly certificateId: Hex },
    PolicyQuery & FormatQuery,
    CertificateAnswer
  >;
  readonly operatorSet: Shape<
    { readonly epoch: bigint | "current" },
    None,
    { readonly data: OperatorSet }
  >;
  readonly setUpdate: Shape<
    { readonly epoch: bigint | "current" },
    WaitQuery,
    { readonly data: SetUpdate }
  >;
  readonly operators: Shape<
    None,
    { readonly epoch: bigint | "current" | undefined },
    { readonly data: readonly OperatorSummary[] }
  >;
  readonly operator: Shape<
    { readonly operator: Hex },
    PageQuery,
    { readonly data: OperatorReport; readonly next: bigint | null }
  >;
  readonly evidence: Shape<None, PageQuery, Page<Evidence>>;
  readonly alerts: Shape<
    None,
    { readonly from: Hex | undefined; readonly limit: number },
    { readonly data: readonly Alert[]; readonly next: Hex | null }
  >;
  readonly batch: Shape<None, None, { readonly data: readonly BatchItem[] }>;
  readonly events: Shape<
    None,
    { readonly topics: readonly Topic[]; readonly rollupId: bigint | undefined },
    null
  >;
  readonly health: Shape<None, None, { readonly data: Health }>;
  readonly openapi: Shape<None, None, null>;
  readonly docs: Shape<None, None, null>;
}

interface Shape<Params, Query, Answer> {
  readonly params: Params;
  readonly query: Query;
  readonly answer: Answer;
}

export type RouteId = keyof RouteShapes;
