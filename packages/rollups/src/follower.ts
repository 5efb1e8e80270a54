import type { Hex } from "@mach/core";
import { backoffMs } from "@mach/rpc";
import {
  type Agreement,
  agreeOnBlock,
  type BlockSelector,
  type Disagreement,
  explainDisagreement,
} from "./agreement.ts";
import { completeBlock } from "./completion.ts";
import type { Abstention, RollupFollowerEvents } from "./follower-events.ts";
import {
  type FollowerSettings,
  followerSettings,
  type RollupFollowerOptions,
} from "./follower-options.ts";
import { endpointsToAsk, headsByHost } from "./head-view.ts";
import { agreeOnTag, type BlockHead, type RollupHeads, type TagAgreement } from "./heads.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { createRecentBlocks, type RecentBlocks } from "./recent-blocks.ts";
import { searchReorg } from "./reorg.ts";
import { RollupSource } from "./source.ts";
import type { SourceDescription } from "./source-description.ts";
import type { CheckedBlock, Completion } from "./stack.ts";
import { stackOf } from "./stacks.ts";

export interface RollupFollower {
  /**
   * Begins with a height, or with the newest block. Given the hash of that height's parent, a
   * chain that does not hold it is reported like a reorg.
   */
  start(from?: { readonly fromBlockNumber?: bigint; readonly parentHash?: Hex }): void;
  /** Ends every call, timer and socket; nothing is reported afterwards. */
  stop(): Promise<void>;
  describeSources(): readonly SourceDescription[];
}

/** Follows one rollup: see the package's README. Throws a RangeError for options out of bounds. */
export function createRollupFollower(
  options: RollupFollowerOptions,
  events: RollupFollowerEvents,
): RollupFollower {
  return new Follower(followerSettings(options), events);
}

type Step = "again" | "idle" | "retry";

/** A block that a slower source is about to have is worth asking for soon. */
const RETRY = { minBackoffMs: 20, maxBackoffMs: 2000 } as const;
const TAGS = ["latest", "safe", "finalized"] as const;
const MAX_SEEN = 256;
const TOLERATED_LAG_BLOCKS = 5n;

/** One loop takes the heights in order; what sources announce only wakes it. */
class Follower implements RollupFollower {
  readonly #settings: FollowerSettings;
  readonly #events: RollupFollowerEvents;
  readonly #sources: readonly RollupSource[];
  readonly #completion: Completion | null;
  readonly #recent: RecentBlocks;
  readonly #pacer: Pacer = createPacer();
  readonly #window = new Map<bigint, Promise<Agreement>>();
  readonly #seenAtMs = new Map<bigint, number>();
  readonly #abstained = new Map<Abstention["subject"], string>();
  #next: bigint | null = null;
  /** The height that was next when the chain was replaced too deep. */
  #lostAt: bigint | null = null;
  #suspect: bigint | null = null;
  #reorgSearchedAtMs = Number.NEGATIVE_INFINITY;
  #skipTriedAtMs = Number.NEGATIVE_INFINITY;
  #attempts = 0;
  #failingSinceMs: number | null = null;
  #progressAtMs = 0;
  #heads: RollupHeads = { latest: null, safe: null, finalized: null };
  #loop: Promise<void> | null = null;
  #stopped = false;

  constructor(settings: FollowerSettings, events: RollupFollowerEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#recent = createRecentBlocks(settings.maxReorgDepth);
    // The window, the polls of three heads, and the questions of a reorg.
    const maxInFlight = 2 * settings.concurrency + 8;
    const adapter = stackOf(settings.stack);
    this.#completion = adapter.completion;
    this.#sources = settings.sources.map(({ url, opNodeUrl }) => {
      const source: RollupSource = new RollupSource(
        { ...settings, url, opNodeUrl, adapter, maxInFlight },
        {
          onHead: (block, isNew) => this.#onHead(block, isNew),
          onState: () => {
            if (this.#stopped) return;
            events.onSourceState(source.describe());
            this.#pacer.wake();
          },
        },
      );
      return source;
    });
  }

  start(from: { readonly fromBlockNumber?: bigint; readonly parentHash?: Hex } = {}): void {
    if (this.#loop !== null || this.#stopped) {
      throw new Error("a follower starts once: create another");
    }
    const { fromBlockNumber, parentHash } = from;
    this.#next = fromBlockNumber ?? null;
    if (fromBlockNumber !== undefined && fromBlockNumber > 0n && parentHash !== undefined) {
      this.#recent.seed(fromBlockNumber - 1n, parentHash);
    }
    this.#progressAtMs = this.#settings.now();
    for (const source of this.#sources) source.start();
    this.#pacer.every(this.#settings.headsMs, () => this.#refreshHeads());
    this.#pacer.every(this.#settings.pollMs, async () => this.#watch());
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pacer.stop();
    await Promise.all(this.#sources.map((source) => source.stop()));
    await this.#loop;
  }

  describeSources(): readonly SourceDescription[] {
    return this.#sources.map((source) => source.describe());
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#pacer.arm();
      const step = await this.#advance();
      if (step === "again") continue;
      const isRetry = step === "retry";
      await this.#pacer.pause({
        minMs: isRetry ? RETRY.minBackoffMs : 0,
        maxMs: isRetry ? backoffMs(this.#attempts, RETRY) : null,
      });
    }
  }

  async #advance(): Promise<Step> {
    const { now, pollMs, agree } = this.#settings;
    if (this.#suspect !== null && now() - this.#reorgSearchedAtMs >= pollMs) {
      const blockNumber = this.#suspect;
      this.#suspect = null;
      return this.#resolveReorg(blockNumber, "suspected");
    }
    const heads = headsByHost(this.#sources);
    const target = heads[agree - 1];
    if (this.#next === null) {
      if (target === undefined) return "idle";
      this.#beginAt(target.blockNumber);
    }
    if (target !== undefined) await this.#skipAhead(target);
    const height = this.#next;
    const highest = heads[0];
    if (height === null || highest === undefined || highest.blockNumber < height) return "idle";
    return this.#take(height, target?.blockNumber ?? height);
  }

  #beginAt(blockNumber: bigint): void {
    this.#next = blockNumber;
    if (this.#lostAt === null) return;
    const fromBlockNumber = this.#lostAt;
    this.#lostAt = null;
    const toBlockNumber = blockNumber - 1n;
    this.#events.onSkipped({ reason: "reorg-too-deep", fromBlockNumber, toBlockNumber });
  }

  async #skipAhead(target: CheckedBlock): Promise<void> {
    const { now, headsMs, maxCatchUp } = this.#settings;
    const landing = target.blockNumber - BigInt(maxCatchUp) + 1n;
    if (this.#next === null || landing <= this.#next) return;
    if (now() - this.#skipTriedAtMs < headsMs) return;
    this.#skipTriedAtMs = now();
    // A head may be a lie: nothing is skipped for a height that cannot be had.
    const agreement = await this.#fetch(landing, { fresh: true, parentHash: undefined });
    if (!agreement.ok || this.#stopped) return;
    const fromBlockNumber = this.#next;
    this.#next = landing;
    this.#window.clear();
    this.#recent.clear();
    const toBlockNumber = landing - 1n;
    this.#events.onSkipped({ reason: "too-far-behind", fromBlockNumber, toBlockNumber });
  }

  async #take(height: bigint, target: bigint): Promise<Step> {
    const parentHash = this.#recent.hashAt(height - 1n);
    const isAhead = this.#window.has(height);
    this.#fetchAhead(height, target);
    let agreement = await this.#window.get(height);
    this.#window.delete(height);
    // What was fetched ahead may be of a branch that has gone, or have failed long ago.
    if (isAhead && !(agreement?.ok && isLinked(agreement.block, parentHash))) {
      this.#window.clear();
      agreement = await this.#fetch(height, { fresh: true, parentHash });
    }
    if (this.#stopped || agreement === undefined) return "idle";
    if (!agreement.ok) return this.#fail(height, agreement);
    if (isLinked(agreement.block, parentHash)) return this.#admit(agreement.block);
    return this.#resolveReorg(height - 1n, "unlinked");
  }

  #fetchAhead(height: bigint, target: bigint): void {
    for (let at = height; at < height + BigInt(this.#settings.concurrency); at++) {
      if (at > height && at > target) return;
      if (this.#window.has(at)) continue;
      const parentHash = this.#recent.hashAt(at - 1n);
      this.#window.set(at, this.#fetch(at, { fresh: false, parentHash }));
    }
  }

  /**
   * A new height is asked for by number, which also says that the block is canonical at the
   * source; a hash would only say that it is known there.
   */
  #fetch(
    blockNumber: bigint,
    how: { readonly fresh: boolean; readonly parentHash: Hex | undefined },
  ): Promise<Agreement> {
    const selector: BlockSelector = { by: "number", blockNumber, fresh: how.fresh };
    const { agree } = this.#settings;
    const sources = how.fresh ? this.#sources : endpointsToAsk(this.#sources, blockNumber);
    return agreeOnBlock(sources, { agree, selector, parentHash: how.parentHash });
  }

  /** Accepts a block once it has the roots that its header alone does not give. */
  async #admit(block: CheckedBlock): Promise<Step> {
    const { agree } = this.#settings;
    const request = { agree, block, completion: this.#completion };
    const completed = await completeBlock(this.#sources, request);
    if (this.#stopped) return "idle";
    return completed.ok ? this.#accept(completed.block) : this.#fail(block.blockNumber, completed);
  }

  #accept(block: CheckedBlock): Step {
    const { blockNumber, unverifiable } = block;
    const { tip } = this.#recent;
    if (tip?.blockNumber === blockNumber - 1n && block.timestamp < tip.timestamp) {
      this.#attempts++;
      this.#abstain({ code: "timestamp-order", blockNumber, sources: [], subject: "block" });
      return "retry";
    }
    this.#recent.push(block);
    this.#next = blockNumber + 1n;
    this.#attempts = 0;
    this.#failingSinceMs = null;
    this.#progressAtMs = this.#settings.now();
    this.#abstained.delete("block");
    const observedAtMs = this.#seenAtMs.get(blockNumber) ?? this.#progressAtMs;
    for (const height of [...this.#seenAtMs.keys()]) {
      if (height <= blockNumber) this.#seenAtMs.delete(height);
    }
    if (unverifiable === null) this.#events.onBlock({ ...block, observedAtMs });
    else this.#abstain({ code: unverifiable, blockNumber, sources: [], subject: "block" });
    return "again";
  }

  async #resolveReorg(blockNumber: bigint, cause: "suspected" | "unlinked"): Promise<Step> {
    const { agree, now } = this.#settings;
    this.#window.clear();
    this.#reorgSearchedAtMs = now();
    const search = await searchReorg(this.#sources, { agree, recent: this.#recent, blockNumber });
    if (this.#stopped || this.#next === null) return "idle";
    switch (search.kind) {
      case "stands":
        return cause === "suspected" ? "again" : this.#fail(blockNumber + 1n, search.disagreement);
      case "unknown":
        this.#suspect = blockNumber;
        return this.#fail(blockNumber, search.disagreement);
      case "too-deep":
        this.#abstain({ code: "reorg-too-deep", blockNumber, sources: [], subject: "block" });
        this.#lostAt = this.#next;
        this.#next = null;
        this.#recent.clear();
        // A poll during the search suspects the same again, of blocks that are now forgotten.
        this.#suspect = null;
        // It may be another chain altogether, behind the connection of before.
        await Promise.all(this.#sources.map((source) => source.verifyChain()));
        return "again";
      case "replaced":
        return this.#replace(search.commonAncestor, search.branch);
    }
  }

  async #replace(
    commonAncestor: { readonly blockNumber: bigint; readonly blockHash: Hex },
    branch: readonly CheckedBlock[],
  ): Promise<Step> {
    const droppedFrom = commonAncestor.blockNumber + 1n;
    const depth = Number((this.#next ?? droppedFrom) - droppedFrom);
    this.#recent.truncate(commonAncestor.blockNumber);
    this.#next = droppedFrom;
    this.#events.onReorg({ commonAncestor, depth, droppedFrom });
    for (const block of branch) {
      if (this.#stopped) return "idle";
      if ((await this.#admit(block)) !== "again") return "retry";
    }
    return "again";
  }

  #fail(blockNumber: bigint, disagreement: Disagreement): Step {
    const nowMs = this.#settings.now();
    const { code, sources } = disagreement;
    this.#attempts++;
    this.#failingSinceMs ??= nowMs;
    const isGrace = nowMs - this.#failingSinceMs < this.#settings.lagGraceMs;
    if (code !== "source-lagging" || !isGrace) {
      this.#abstain({ code, blockNumber, sources, subject: "block" });
    }
    return "retry";
  }

  #abstain(abstention: Abstention): void {
    const key = `${abstention.code} ${abstention.blockNumber}`;
    if (this.#stopped || this.#abstained.get(abstention.subject) === key) return;
    this.#abstained.set(abstention.subject, key);
    this.#events.onAbstain(abstention);
  }

  #onHead(block: CheckedBlock, isNew: boolean): void {
    const { blockNumber, blockHash } = block;
    const accepted = this.#recent.hashAt(blockNumber);
    const isSuspect = accepted !== undefined && accepted !== blockHash;
    if (isSuspect) this.#suspect = blockNumber;
    if (this.#next === null || blockNumber >= this.#next) {
      const [oldest] = this.#seenAtMs.keys();
      if (this.#seenAtMs.size >= MAX_SEEN && oldest !== undefined) this.#seenAtMs.delete(oldest);
      if (!this.#seenAtMs.has(blockNumber)) this.#seenAtMs.set(blockNumber, this.#settings.now());
    }
    if (isNew || isSuspect) this.#pacer.wake();
  }

  /** What no failing call would show: too few sources, sources that lag, a chain that stands. */
  #watch(): void {
    const { agree, now, staleAfterMs } = this.#settings;
    const tip = this.#recent.tip;
    if (tip !== null) {
      for (const source of this.#sources) source.noteLag(tip.blockNumber, TOLERATED_LAG_BLOCKS);
    }
    const sound = new Set(this.#sources.flatMap((each) => (each.isSound ? [each.host] : [])));
    const verdicts = this.#sources.map((source) => {
      const { status, code } = source.describe();
      return { source, status, answer: { ok: false as const, code: code ?? "missing" } };
    });
    if (sound.size < agree && verdicts.every(({ status }) => status !== "starting")) {
      const unsound = verdicts.filter(({ source }) => !source.isSound);
      const { code, sources } = explainDisagreement(unsound);
      this.#abstain({ code, blockNumber: this.#next, sources, subject: "block" });
    } else if (now() - this.#progressAtMs > staleAfterMs) {
      const { sources } = explainDisagreement(verdicts);
      const code = "source-lagging";
      this.#abstain({ code, blockNumber: this.#next, sources, subject: "block" });
    }
  }

  async #refreshHeads(): Promise<void> {
    const { agree } = this.#settings;
    const [latest, safe, finalized] = await Promise.all(
      TAGS.map(async (tag) => {
        const agreement = await agreeOnTag(this.#sources, { agree, tag });
        if (tag === "latest") return agreement;
        if (agreement.ok) this.#abstained.delete(tag);
        else if (agreement.code === "disagree") {
          this.#abstain({ code: "sources-disagree", blockNumber: null, sources: [], subject: tag });
        }
        return agreement;
      }),
    );
    if (this.#stopped) return;
    const heads: RollupHeads = {
      latest: latest?.ok ? latest.head : null,
      safe: safe?.ok ? safe.head : null,
      finalized: keepFinalized(this.#heads.finalized, finalized),
    };
    const isChanged = TAGS.some((tag) => heads[tag]?.blockHash !== this.#heads[tag]?.blockHash);
    this.#heads = heads;
    if (isChanged) this.#events.onHeads(heads);
  }
}

/** What was final stays final while sources fail or lag, unless enough of them contradict it. */
function keepFinalized(known: BlockHead | null, next: TagAgreement | undefined): BlockHead | null {
  if (next?.ok) return known && known.blockNumber > next.head.blockNumber ? known : next.head;
  return next?.code === "disagree" ? null : known;
}

function isLinked(block: CheckedBlock, parentHash: Hex | undefined): boolean {
  return parentHash === undefined || block.parentHash === parentHash;
}
