import type { ReasonCode } from "@mach/sdk/reader";

/** What each answer other than the one that was hoped for means, for people. */
export const FAILURE_WORDS: Readonly<Record<string, string>> = {
  unreachable: "The node does not answer, or this page may not read it.",
  "bad-answer": "What answers there is no node of this version, or answers what was not asked.",
  "not-found": "The node has no such address.",
  malformed: "The node does not understand the question.",
  "unknown-rollup": "The node does not follow that rollup.",
  "unknown-epoch": "The node knows no operator set of that epoch.",
  "unknown-operator": "The node knows no operator set with that operator.",
  "unknown-certificate": "The node holds no certificate of that id.",
  "unknown-block": "The node knows no such block on the rollup's chain.",
  "not-yet": "It does not stand yet. It may come: ask again.",
  "no-certificate": "No certificate stands for that very height, and none will.",
  contradicted: "The certificate there is contradicted: nothing rests on it.",
  stale: "What the node knows is too old to be told as the newest.",
  unavailable: "The node starts, stops or is full: ask again.",
  internal: "The node failed to answer.",
  "too-many-requests": "Too much is asked from your address: the node will answer again soon.",
  "too-many-streams": "Too many pages of your address follow the node.",
};

/** Why something is not fast-final. */
export const REASON_WORDS: Readonly<Record<string, string>> = {
  "below-threshold": "Too little weight has signed so far.",
  split: "A reorg has bound too much weight to a branch that was left. Only L1 can decide it.",
  contradicted: "L1, or a second certificate, says otherwise. Final service has stopped.",
  "unknown-operator-set": "The epoch has no operator set that the node knows.",
  "unknown-rollup": "The rollup is not registered in the block's epoch.",
  "no-block": "The node has verified no block of the rollup yet.",
  "unknown-block": "The node knows no such block on the rollup's chain.",
  pruned: "It is older than what this node keeps: other nodes may keep more.",
  "unverified-block": "The node could not check the block itself, and so does not stand for it.",
  "not-covered-yet": "No attested height at or above the block has a certificate yet.",
  "l1-unavailable": "The L1 does not answer, so that nobody can say which operators count.",
} satisfies Readonly<Record<ReasonCode, string>>;

/** Why a certificate does not hold, or could not be held against anything. */
export const CHECK_WORDS: Readonly<Record<string, string>> = {
  "bad-signature": "The signature is not that of the operators it names. It is a forgery.",
  malformed: "Its id, its signers or its signature do not fit together. It was changed.",
  "below-threshold": "The operators that signed do not have the weight that is asked for.",
  "below-min-weight": "The operators that signed do not have the rollup's threshold of weight.",
  "unknown-operator-set": "It names another operator set than the one that is trusted.",
  "epoch-mismatch": "It is of another epoch than its operator set.",
  "wrong-epoch": "Its epoch is not the one that its block's time lies in.",
  "other-network": "It is of another network: another L1 chain or another registry.",
  "wrong-subject": "The node shows it beside a block that it is not for.",
  "truncated-header-chain": "The node lacks headers from the certified block down to this one.",
  "broken-header-chain":
    "The headers between the certified block and this one do not fit together.",
  contradicted: "It is part of what was contradicted before.",
  "stale-set": "The time of its operator set, or of the one that you trust, is over.",
  "before-trust":
    "It is of an epoch before the set that you trust; sets are followed forwards only.",
  "future-epoch": "It is of an epoch that has not come.",
  "no-set": "The node did not give the operator set of its epoch.",
  "inconsistent-set": "The operator set that the node gave does not hash to what is trusted.",
  "forged-update": "The node gave a set update that the set before did not sign.",
  "conflicting-updates": "Two valid updates name different sets. No one can say which holds.",
  "l1-unavailable": "Your L1 node did not answer, or not with finalised state.",
  "l1-disagreement": "Your L1 nodes say different things.",
  "not-fixed": "Finalised L1 state holds no operator set for its epoch.",
  "unknown-rollup": "The rollup is not registered in that epoch, by finalised L1 state.",
  "bad-option": "The network or the trust that it should be held against makes no sense.",
  "not-conflicting": "What it shows is no breach.",
  "not-a-signer": "It names an operator that did not sign, or is not of the set.",
  "wrong-clock": "Its block is from the future by this device's clock. One of the clocks is wrong.",
  "worker-failed": "The check itself failed in this browser.",
  "timed-out": "The check did not end in time.",
  busy: "Too many checks are under way in this browser.",
};

/** Why there is no proof that a block holds a transaction. */
export const PROOF_GAP_WORDS: Readonly<Record<string, string>> = {
  "not-covered": "No certificate covers its block yet, or not all headers to it are at hand.",
  "order-only": "Blocks of this stack commit to the order of transactions, and to no receipts.",
  unavailable: "No endpoint of the rollup gave the block whole just now.",
  "too-large": "The block, the transaction or its receipt is larger than is proved.",
  "wrong-root": "What the rollup's endpoints gave is not what the block's header commits to.",
  "not-in-block": "The block holds no transaction whose bytes hash to that hash.",
};

/** Why an operator's attestation was wanting. */
export const LAPSE_WORDS: Readonly<Record<string, string>> = {
  "after-window": "came after the certificate had closed",
  "left-branch": "had attested a block that a reorg has left: no fault of its own",
  "other-block": "attested another block at that height",
  "other-root": "attested the block with another root, time or epoch",
  "double-attestation": "attested two claims at that height",
  "fork-locked": "is bound to a branch that a reorg has left",
  skipped: "attested other blocks meanwhile, not this one",
  silent: "was not heard of at all",
};

/** What a kind of evidence shows. */
export const EVIDENCE_WORDS: Readonly<Record<string, string>> = {
  "double-attestation": "One operator signed two claims at one height.",
  "attestation-against-certificate":
    "An operator signed against a certificate that it is bound by.",
  "conflicting-certificates": "Two certificates conflict: whoever signed both has lied.",
  "false-set-update": "Operators signed another set than the one that L1 has fixed.",
};
