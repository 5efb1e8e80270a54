import {
  type Agreement,
  type Answered,
  type BlockSource,
  explainDisagreement,
  type SourceAnswer,
  type SourceFailureCode,
} from "./agreement.ts";
import type { CheckedBlock, Completion } from "./stack.ts";

/** A source that can also be asked for the roots that a header does not give. */
export interface CompletingSource extends BlockSource {
  /** Whether nothing is held against it. */
  readonly isReady: boolean;
  /** Never rejects. */
  complete(block: CheckedBlock): Promise<SourceAnswer>;
}

/**
 * Gives an agreed block its roots. With a proof the first sound one decides; where no source has
 * one the block stays as it is, and nobody signs it. What is only said must be said alike by `agree`
 * hosts.
 */
export async function completeBlock(
  sources: readonly CompletingSource[],
  request: {
    readonly agree: number;
    readonly block: CheckedBlock;
    readonly completion: Completion | null;
  },
): Promise<Agreement> {
  const { agree, block, completion } = request;
  const isComplete = block.unverifiable === null || block.unverifiable === "no-claim";
  if (completion === null || isComplete) return { ok: true, block };
  return completion.evidence === "proof"
    ? firstProven(sources, block)
    : agreeOnRoots(sources, { agree, block });
}

/** What passes: the same source may well give the proof when it is asked again. */
const PASSING: ReadonlySet<SourceFailureCode> = new Set([
  "busy",
  "http-status",
  "timeout",
  "unreachable",
]);

async function firstProven(
  sources: readonly CompletingSource[],
  block: CheckedBlock,
): Promise<Agreement> {
  const answered: Answered[] = [];
  for (const source of [...sources].sort((left, right) => +right.isReady - +left.isReady)) {
    const answer = await source.complete(block);
    if (answer.ok) return answer;
    answered.push({ source, answer });
  }
  const mayPass = answered.some(({ answer }) => !answer.ok && PASSING.has(answer.code));
  return mayPass ? explainDisagreement(answered) : { ok: true, block };
}

function agreeOnRoots(
  sources: readonly CompletingSource[],
  request: { readonly agree: number; readonly block: CheckedBlock },
): Promise<Agreement> {
  return new Promise((resolve) => {
    const answered: Answered[] = [];
    let agreed: CheckedBlock | null = null;
    const take = (each: Answered): void => {
      answered.push(each);
      if (agreed !== null) {
        judge(each, agreed);
        return;
      }
      agreed = supported(answered, { agree: request.agree, latest: each.answer });
      if (agreed !== null) {
        for (const one of answered) judge(one, agreed);
        resolve({ ok: true, block: agreed });
      } else if (answered.length === sources.length) {
        resolve(explain(answered));
      }
    };
    for (const source of sources) {
      void source.complete(request.block).then((answer) => take({ source, answer }));
    }
  });
}

/** The latest answer's block where `agree` hosts give it the same roots, else null. */
function supported(
  answered: readonly Answered[],
  { agree, latest }: { readonly agree: number; readonly latest: SourceAnswer },
): CheckedBlock | null {
  if (!latest.ok) return null;
  const roots = rootsOf(latest.block);
  const same = answered.filter(({ answer }) => answer.ok && rootsOf(answer.block) === roots);
  return new Set(same.map(({ source }) => source.host)).size >= agree ? latest.block : null;
}

function judge({ source, answer }: Answered, agreed: CheckedBlock): void {
  if (!answer.ok) return;
  source.settle(rootsOf(answer.block) === rootsOf(agreed) ? "agrees" : "disagrees");
}

function rootsOf({ stateRoot, outputRoot, isWithinBatch }: CheckedBlock): string {
  return `${stateRoot} ${outputRoot} ${isWithinBatch ?? false}`;
}

/** One block hash with several roots is a disagreement, which hashes alone would not show. */
function explain(answered: readonly Answered[]): Agreement {
  const roots = new Set(
    answered.flatMap(({ answer }) => (answer.ok ? [rootsOf(answer.block)] : [])),
  );
  const disagreement = explainDisagreement(answered);
  return roots.size > 1 ? { ...disagreement, code: "sources-disagree" } : disagreement;
}
