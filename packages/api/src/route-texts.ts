import type { RouteId } from "./route-shapes.ts";

/** What people read of a route; apart from the table, because no client needs it. */
export interface RouteText {
  readonly summary: string;
  readonly description: string;
}

const POLICY_NOTE =
  "With a policy (`minWeightBps`, `minVerification`, `minSignedWeight`) or `wait`, 200 is a yes: " +
  "what does not meet it is `not-yet`";

export const ROUTE_TEXTS: { readonly [Id in RouteId]: RouteText } = {
  network: {
    summary: "The network",
    description: "The domain that is signed for, the epochs' schedule and the versions.",
  },
  rollups: {
    summary: "The rollups that are followed",
    description: "Each with its interval, threshold and verification level in the epoch named.",
  },
  rollup: {
    summary: "One rollup",
    description: "Its interval, threshold and verification level in the epoch named.",
  },
  finality: {
    summary: "How final a rollup is",
    description:
      "The newest observed, fast-final, safe and finalized blocks, the certificate and the rule " +
      "behind the fast-final one, and the reason where the newest height is not fast-final. " +
      `Answers 200 whatever the status is. ${POLICY_NOTE}; \`fastFinal\` is the newest block whose ` +
      "own certificate meets the policy.",
  },
  block: {
    summary: "The status of a block",
    description:
      "The badge and the rule behind it, with the certificate that covers the block and the " +
      "headers between. Answers 200 whatever the status is; a pending one is not cached. " +
      `${POLICY_NOTE}, and a contradicted block is \`contradicted\`. The certificate is the lowest ` +
      "that covers the block and meets the policy.",
  },
  transaction: {
    summary: "The status of a transaction",
    description:
      "The same as for the block that the transaction is in; `unknown` while no such block is " +
      "known. Answers 200 whatever the status is; a pending one is not cached. " +
      "Policy and `wait` are as for a block. Under a certificate `proof` has the block's header, " +
      "and the way from its roots to the transaction and its receipt; without one `proofGap` says " +
      "why.",
  },
  certificates: {
    summary: "A rollup's certificates",
    description:
      "In ascending order of heights; `next` is the `from` of the page that follows. What does not " +
      "meet a policy is left out, so that a page may be short, or empty, before the last.",
  },
  certificate: {
    summary: "The certificate at a height",
    description:
      "The best one that stands. While its improvement window is open it may be replaced by one " +
      "with more weight for the same claim. One that does not meet a policy is `not-yet`.",
  },
  certificateById: {
    summary: "A certificate by its id",
    description:
      "The answer never changes: a valid certificate, whether or not its claim is contradicted. By " +
      "its height it is told only where it stands. One that does not meet a policy is `not-yet`.",
  },
  operatorSet: {
    summary: "An epoch's operator set",
    description: "The preimage of the operatorSetHash that the registry holds for the epoch.",
  },
  setUpdate: {
    summary: "The set update into an epoch",
    description:
      "The epoch's operatorSetHash, signed by the set of the epoch before. It may still be " +
      "replaced by one with more weight until the epoch ends.",
  },
  operators: {
    summary: "The operators of an epoch, and what they did in it",
    description:
      "Of each attested height: made, late, missed, disagreeing, as this node saw it; `unseen` " +
      "where it cannot tell. A height is counted half a minute after its block.",
  },
  operator: {
    summary: "What one operator did",
    description:
      "By epoch and rollup, with the reason of each lapse. `limit` counts epochs; `next` is the " +
      "`from` of the page that follows. A node keeps the newest 32 epochs.",
  },
  evidence: {
    summary: "Evidence of breaches",
    description:
      "In the order in which this node kept it. Anyone can check each piece offline with " +
      "`mach evidence verify`.",
  },
  alerts: {
    summary: "Alerts of this node",
    description:
      "The newest first; those that stand have no `clearedAt`. `next` is the `from` of the page " +
      "that follows; a `from` that is no longer kept gives an empty page.",
  },
  batch: {
    summary: "Several reads at once",
    description:
      "Each request is the address of a GET route of this API that answers with JSON, query " +
      "included, without `wait` and other formats. The answers come in the same order, each with " +
      "the status and the body that the GET would have had. Beyond 16 MiB the rest of them are " +
      "`unavailable`: ask for them again.",
  },
  events: {
    summary: "Server-sent events",
    description:
      "The event's name is its topic, its data the envelope that the matching GET answers with. " +
      "A client that comes back with Last-Event-ID gets what it missed; an event `gap` says that " +
      "some of it is no longer kept, or that the node was started anew: read the state again. " +
      "An event can come twice after a resumption.",
  },
  health: {
    summary: "The health of this node",
    description: "The worst of its checks, and each of them with its code.",
  },
  openapi: {
    summary: "This API as OpenAPI 3.1",
    description: "Made from the same table as the server.",
  },
  docs: {
    summary: "This API, readable",
    description: "Made from the same table as the server.",
  },
};
