import type { Hex } from "@mach/core";
import type { RpcFailureCode } from "@mach/rpc";
import type { BlockFailure, CheckedBlock } from "./stack.ts";

export type BlockSelector =
  /** `fresh` asks the node even if it has announced the block by itself. */
  | { readonly by: "number"; readonly blockNumber: bigint; readonly fresh: boolean }
  | { readonly by: "hash"; readonly blockHash: Hex };

/** Why a source gave no checked block, or not the one that others gave. */
export type SourceFailureCode =
  | RpcFailureCode
  | BlockFailure["code"]
  /** Its chain id is not the rollup's. */
  | "wrong-chain"
  /** It has no such block (yet). */
  | "missing"
  /** It answered with a block that was not asked for. */
  | "wrong-block"
  /** What it gave beside the block does not follow from the block's hash. */
  | "invalid-proof"
  /** Its block is sound, and not the one that enough others have. */
  | "disagrees"
  /** Its head is well behind the blocks that were accepted. */
  | "lagging";

export type SourceAnswer =
  | { readonly ok: true; readonly block: CheckedBlock }
  | { readonly ok: false; readonly code: SourceFailureCode };

/** What agreement needs of a source. */
export interface BlockSource {
  /** Sources of one host are one source when agreement is counted. */
  readonly host: string;
  /** Never rejects; answers at once where the source is known to be down. */
  ask(selector: BlockSelector): Promise<SourceAnswer>;
  /** Its answer was the agreed one, or it was not. */
  settle(outcome: "agrees" | "disagrees"): void;
}

/** Why there is no agreed block. */
export type DisagreementCode =
  | "wrong-chain"
  | "unknown-header-fields"
  | "hash-mismatch"
  | "invalid-field"
  | "malformed"
  | "wrong-block"
  | "sources-disagree"
  | "source-lagging"
  | "sources-unavailable";

/** One source's part in a failure; `ok` where its own answer was sound. */
export interface SourceVerdict {
  readonly host: string;
  readonly code: "ok" | SourceFailureCode;
}

export interface Disagreement {
  readonly ok: false;
  readonly code: DisagreementCode;
  readonly sources: readonly SourceVerdict[];
}

export type Agreement = { readonly ok: true; readonly block: CheckedBlock } | Disagreement;

export interface Answered {
  readonly source: BlockSource;
  readonly answer: SourceAnswer;
}

/**
 * Asks every source at once and takes the block that `agree` hosts have by the same recomputed
 * hash, as soon as they have it. Where `parentHash` is given, a block that does not link to it is
 * taken only when every source has answered and no linking one was agreed.
 */
export function agreeOnBlock(
  sources: readonly BlockSource[],
  request: {
    readonly agree: number;
    readonly selector: BlockSelector;
    readonly parentHash?: Hex | undefined;
  },
): Promise<Agreement> {
  const { agree, selector, parentHash } = request;
  return new Promise((resolve) => {
    const bySource = new Map<BlockSource, Answered>();
    let winner: Hex | null = null;
    const decide = (block: CheckedBlock): void => {
      winner = block.blockHash;
      for (const each of bySource.values()) judge(each, block.blockHash);
      resolve({ ok: true, block });
    };
    for (const source of sources) {
      void source.ask(selector).then((answer) => {
        bySource.set(source, { source, answer });
        const answered = sources.flatMap((each) => bySource.get(each) ?? []);
        if (winner !== null) return judge({ source, answer }, winner);
        const enough = supportedBlocks(answered).filter(({ hosts }) => hosts >= agree);
        const linking = enough.find(
          ({ block }) => parentHash === undefined || block.parentHash === parentHash,
        );
        if (linking !== undefined) return decide(linking.block);
        if (answered.length < sources.length) return;
        const [best, second] = enough;
        if (best !== undefined && best.hosts > (second?.hosts ?? 0)) return decide(best.block);
        resolve(explainDisagreement(answered));
      });
    }
  });
}

/** Every source's answer, once all have answered or failed. */
export function collectAnswers(
  sources: readonly BlockSource[],
  selector: BlockSelector,
): Promise<readonly Answered[]> {
  return Promise.all(
    sources.map(async (source) => ({ source, answer: await source.ask(selector) })),
  );
}

export interface SupportedBlock {
  readonly block: CheckedBlock;
  /** How many distinct hosts have it. */
  readonly hosts: number;
}

/** The distinct blocks among the answers, the most supported first. */
export function supportedBlocks(answered: readonly Answered[]): readonly SupportedBlock[] {
  const byHash = new Map<Hex, { block: CheckedBlock; hosts: Set<string> }>();
  for (const { source, answer } of answered) {
    if (!answer.ok) continue;
    const entry = byHash.get(answer.block.blockHash) ?? { block: answer.block, hosts: new Set() };
    byHash.set(answer.block.blockHash, entry);
    entry.hosts.add(source.host);
  }
  return [...byHash.values()]
    .map(({ block, hosts }) => ({ block, hosts: hosts.size }))
    .sort((left, right) => right.hosts - left.hosts);
}

const BY_GRAVITY = [
  "wrong-chain",
  "hash-mismatch",
  "unknown-header-fields",
  "invalid-field",
  "malformed",
  "wrong-block",
] as const;

/** Names the gravest reason why these answers hold no agreement. */
export function explainDisagreement(answered: readonly Answered[]): Disagreement {
  const sources = answered.map(({ source, answer }) => ({
    host: source.host,
    code: answer.ok ? ("ok" as const) : answer.code,
  }));
  const codes = new Set<string>(sources.map(({ code }) => code));
  const failure = (code: DisagreementCode): Disagreement => ({ ok: false, code, sources });
  const grave = BY_GRAVITY.find((code) => codes.has(code));
  if (grave !== undefined) return failure(grave);
  if (supportedBlocks(answered).length > 1) return failure("sources-disagree");
  return failure(codes.has("missing") ? "source-lagging" : "sources-unavailable");
}

function judge({ source, answer }: Answered, agreed: Hex): void {
  if (answer.ok) source.settle(answer.block.blockHash === agreed ? "agrees" : "disagrees");
}
