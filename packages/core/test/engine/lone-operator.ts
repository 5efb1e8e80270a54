import {
  type Claim,
  checkForkLock,
  createEngineState,
  type EngineState,
  type Evidence,
  epochAt,
  type Hex,
  type Input,
  linksOf,
  type Report,
  step,
  type VerifiedRelease,
  ZERO_HASH,
} from "../../src/index.ts";
import { branchDown, extend, grow, isAncestorOrSelf, type TreeBlock } from "./block-tree.ts";
import {
  attest,
  certify,
  domain,
  OPERATORS,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  schedule,
} from "./harness.ts";

const [first] = OPERATORS as [Hex];
/** Epochs whose sets the node knows. */
export const EPOCHS = 8n;

/** The claim that an honest operator makes about a block. */
export function claimOf(block: TreeBlock): Claim {
  const { blockNumber, blockHash, stateRoot, timestamp } = block;
  const epoch = epochAt(schedule, timestamp) ?? 0n;
  const named = { rollupId: ROLLUP_ID, blockNumber, blockHash, stateRoot };
  return { ...named, outputRoot: ZERO_HASH, timestamp, epoch, verification: 1 };
}

interface Asked {
  readonly claim: Claim;
  readonly ancestry: readonly Hex[];
  readonly release: VerifiedRelease | null;
}

export interface OperatorOptions {
  readonly lastSigned?: Claim | null;
  readonly chainDepth?: number;
  /** Whether the signer answers by itself. */
  readonly isManual?: boolean;
}

/** The first operator's node with a signer that keeps the rules by itself, on a tree of blocks. */
export class Operator {
  readonly asked: Asked[] = [];
  readonly reports: Report[] = [];
  readonly evidence: Evidence[] = [];
  state: EngineState;
  tip: TreeBlock;
  /** What the signer's record says. */
  last: Claim | null;
  readonly #isManual: boolean;

  constructor(genesis: TreeBlock, options: OperatorOptions = {}) {
    const { lastSigned = null, chainDepth = 64, isManual = false } = options;
    this.tip = genesis;
    this.last = lastSigned;
    this.#isManual = isManual;
    this.state = createEngineState({
      domain,
      schedule,
      operator: first,
      rollups: [{ rollupId: ROLLUP_ID, lastSigned }],
      improvementWindowMs: 2_000,
      openHeights: 16,
      earlyAttestations: 64,
      chainDepth,
      graceMs: 0,
    });
    for (let epoch = 0n; epoch < EPOCHS; epoch += 1n) {
      const operatorSet = operatorSetOf(epoch);
      this.input({ type: "set-known", operatorSet, rollups: [parameters] });
    }
  }

  input(input: Input): void {
    const result = step(this.state, input, 1_000);
    this.state = result.state;
    for (const effect of result.effects) {
      if (effect.type === "report") this.reports.push(effect.report);
      if (effect.type === "store-evidence") this.evidence.push(effect.evidence);
      if (effect.type !== "sign") continue;
      this.asked.push(effect);
      if (!this.#isManual) this.answer(effect);
    }
  }

  answer({ claim, ancestry, release }: Asked): void {
    const { last } = this;
    const decision = checkForkLock({ last, claim, ancestry: linksOf(ancestry), release });
    if (!decision.ok) {
      this.input({ type: "sign-refused", claim, code: decision.code, last });
      return;
    }
    this.last = claim;
    this.input({ type: "signed", attestation: attest(first, claim) });
  }

  /** Follows a block of the tree, on whatever branch, as the shell would tell it. */
  follow(block: TreeBlock): void {
    let fork = block;
    while (!isAncestorOrSelf(fork, this.tip)) fork = fork.parent ?? block;
    if (fork !== this.tip) {
      const commonAncestor = fork.blockNumber;
      this.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor });
    }
    this.tip = block;
    for (const each of [...branchDown(block, fork.blockNumber + 1n)].reverse()) this.take(each);
  }

  take(block: TreeBlock): void {
    this.tip = block;
    const { parent: _, ...verified } = block;
    const observed = { rollupId: ROLLUP_ID, block: verified, observedAtMs: 0 };
    this.input({ type: "block-verified", ...observed });
  }

  certify(block: TreeBlock, indices: readonly number[] = [0, 1, 2, 3]): void {
    const certificate = certify(claimOf(block), indices);
    this.input({ type: "certificate-verified", certificate });
  }

  finalize({ blockNumber, blockHash, timestamp }: TreeBlock): void {
    const finalized = { blockNumber, blockHash, timestamp };
    this.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
  }

  heights(): readonly number[] {
    return this.asked.map(({ claim }) => Number(claim.blockNumber));
  }

  codes(): readonly string[] {
    return this.reports.map((report) => report.code).filter((code) => code.startsWith("fork"));
  }

  lock(): string | null | undefined {
    return this.state.rollups.get(ROLLUP_ID)?.lock;
  }
}

/** The block of a list at a height. */
export function blockIn(blocks: readonly TreeBlock[], blockNumber: number): TreeBlock {
  const found = blocks.find((each) => each.blockNumber === BigInt(blockNumber));
  if (found === undefined) throw new Error("no such block");
  return found;
}

/** Two branches above height 4: the first up to 8, the second up to 12. */
export function fork(): {
  readonly genesis: TreeBlock;
  readonly base: readonly TreeBlock[];
  readonly left: readonly TreeBlock[];
  readonly right: readonly TreeBlock[];
} {
  const genesis = extend(null, 1_000n);
  const base = grow(genesis, 4);
  const top = blockIn(base, 4);
  return { genesis, base, left: grow(top, 4), right: grow(top, 8) };
}
