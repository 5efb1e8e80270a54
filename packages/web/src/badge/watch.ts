import { type Clock, elapsedMs, type Instant } from "./clock.ts";
import type { Feed, Hint } from "./feed.ts";
import { type FinalityDetail, findDetail, NOTHING_SEEN, type Sight } from "./finding.ts";
import type { Proof } from "./proof.ts";
import type { Question, Subject } from "./question.ts";
import { pathOf, readSaid, type Said } from "./said.ts";
import { readText } from "./shared-fetch.ts";
import { isLate, withinMs } from "./time-limit.ts";
import type { Verifier } from "./verifier.ts";

/** What a question is asked with. */
export interface WatchPorts {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly feedOf: (endpoint: string) => Feed;
  readonly verifier: () => Promise<Verifier>;
  readonly isHidden: () => boolean;
  /** Called whenever the answer was looked at: its age has changed at least. */
  readonly onLook: (detail: FinalityDetail) => void;
}

/** A question that is asked until nobody wants the answer any more. */
export interface Watch {
  detail(): FinalityDetail;
  start(): void;
  /** Looks at the clock, and asks where it is time to. */
  tick(): void;
  /** Asks now. */
  refresh(): void;
  stop(): void;
}

/** How often an open question is asked where no endpoint pushes anything. */
const OPEN_POLL_MS = 5_000;
/** An answer that stands is asked for so often within the time for which it counts. */
const CONFIRMATIONS = 3;
/** The least time between two rounds: soon where a head covers the block, else by and by. */
const SOON: Spacing = { leastMs: 100, part: 1 / 60 };
const LATER: Spacing = { leastMs: 250, part: 1 / 20 };
const MOST_SPACING_MS = 5_000;
/** Proofs under way: one slow endpoint must not hold up the answer of the others. */
const MAX_PROVING = 3;
/** More than all requests of one proof may take, one after the other. */
const PROOF_TIMEOUT_MS = 60_000;

interface Spacing {
  readonly leastMs: number;
  /** Of the time since the answer last changed: what is open for long is asked for less often. */
  readonly part: number;
}

/** Asks a question of all its endpoints, again at their hints, and tells when it was looked at. */
export function createWatch(question: Question, ports: WatchPorts): Watch {
  return new QuestionWatch(question, ports);
}

class QuestionWatch implements Watch {
  readonly #question: Question;
  readonly #ports: WatchPorts;
  readonly #contradicting = new Set<string>();
  #releases: readonly (() => void)[] = [];
  #sight: Sight = NOTHING_SEEN;
  #detail: FinalityDetail;
  #changedAt: Instant;
  #roundAt: Instant | null = null;
  #due: { readonly timer: ReturnType<typeof setTimeout>; readonly inMs: number } | null = null;
  #proving = 0;
  /** A proof was due while too many were under way. */
  #mustProve = false;
  #isStopped = false;

  constructor(question: Question, ports: WatchPorts) {
    this.#question = question;
    this.#ports = ports;
    this.#changedAt = ports.clock.now();
    this.#detail = findDetail(question, NOTHING_SEEN, this.#changedAt);
  }

  detail(): FinalityDetail {
    return this.#detail;
  }

  start(): void {
    const { endpoints, rollupId } = this.#question;
    this.#releases = endpoints.map((endpoint) =>
      this.#ports.feedOf(endpoint).follow(rollupId, (hint) => this.#onHint(endpoint, hint)),
    );
    this.refresh();
  }

  tick(): void {
    this.#look();
    const { state } = this.#detail;
    const confirmMs = this.#question.staleAfterMs / CONFIRMATIONS;
    const isSettled = state === "fast-final" || state === "contradicted";
    const everyMs = isSettled ? confirmMs : Math.min(OPEN_POLL_MS, confirmMs);
    if (this.#sinceRoundMs() >= everyMs) this.refresh();
  }

  refresh(): void {
    if (this.#isStopped) return;
    this.#cancelDue();
    this.#roundAt = this.#ports.clock.now();
    const subject = this.#target();
    for (const endpoint of this.#question.endpoints) void this.#askOne(endpoint, subject);
    if (this.#question.trust === null) return;
    if (this.#proving < MAX_PROVING) void this.#prove(subject);
    else this.#mustProve = true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelDue();
    for (const release of this.#releases) release();
  }

  #learn(news: Partial<Sight>): void {
    if (this.#isStopped) return;
    this.#sight = { ...this.#sight, ...news };
    this.#look();
  }

  #look(): void {
    const before = this.#detail;
    const now = this.#ports.clock.now();
    this.#detail = findDetail(this.#question, this.#sight, now);
    if (isKnown(this.#detail)) this.#sight = { ...this.#sight, known: this.#detail };
    if (!isSameAnswer(before, this.#detail)) this.#changedAt = now;
    this.#ports.onLook(this.#detail);
  }

  /**
   * A certified block stays what it is: to ask for it again costs no proof of its transaction. Where
   * answers are checked it is asked for by height, so that another certificate there shows.
   */
  #target(): Subject {
    const { block, state } = this.#detail;
    if (state !== "fast-final" || block === null) return this.#question.subject;
    const isChecked = this.#question.trust !== null;
    return { kind: "block", block: isChecked ? block.blockNumber : block.blockHash };
  }

  async #askOne(endpoint: string, subject: Subject): Promise<void> {
    const at = this.#ports.clock.now();
    const value = await this.#read(endpoint, subject);
    const reports = new Map(this.#sight.reports).set(endpoint, codeOf(value));
    const before = this.#sight.said.get(endpoint);
    const isOlder = before !== undefined && before.at.steadyMs > at.steadyMs;
    // Who has told something once, and is silent now, has not taken it back.
    const isNews = !isOlder && (value.kind === "status" || (!before && value.kind === "refused"));
    const { said } = this.#sight;
    this.#learn({ reports, said: isNews ? new Map(said).set(endpoint, { value, at }) : said });
  }

  async #read(endpoint: string, subject: Subject): Promise<Said> {
    let response: Response;
    try {
      response = await this.#ports.fetch(new URL(pathOf(this.#question, subject), endpoint));
    } catch (cause) {
      // Pages of one site share a browser's few connections to a host, and streams may hold them all.
      if (isLate(cause)) this.#ports.feedOf(endpoint).giveWay();
      // The network's failures are all the same: nothing is known.
      return { kind: "silent", code: "unreachable" };
    }
    try {
      const body: unknown = JSON.parse(await readText(response));
      return readSaid({ status: response.status, body }, this.#question, subject);
    } catch {
      // No JSON.
      return { kind: "silent", code: "bad-answer" };
    }
  }

  async #prove(subject: Subject): Promise<void> {
    const at = this.#ports.clock.now();
    this.#proving += 1;
    const proof = await this.#proofOf(subject);
    this.#proving -= 1;
    // That there was no time for a proof is so now, and not when it was asked for.
    this.#take(proof, isTimedOut(proof) ? this.#ports.clock.now() : at);
    // What is certified by now was not yet when this proof was asked for, or it is still being made.
    const isDue = isComing(proof) && this.#detail.certificate !== null;
    if (!this.#isStopped && (isDue || this.#mustProve)) this.#askWithin(LATER);
    this.#mustProve = false;
  }

  async #proofOf(subject: Subject): Promise<Proof> {
    let verifier: Verifier;
    try {
      verifier = await this.#ports.verifier();
    } catch {
      // It could not be loaded. The endpoints' word never takes its place.
      return noProof("verifier-unavailable");
    }
    try {
      return await withinMs(PROOF_TIMEOUT_MS, () => verifier.prove(this.#question, subject));
    } catch (cause) {
      if (isLate(cause)) return noProof("timed-out");
      // What the attributes ask of it cannot be held.
      const isRefused = cause instanceof Error && cause.name === "SdkError";
      return noProof(isRefused ? "bad-trust" : "verifier-unavailable");
    }
  }

  #take(proof: Proof, at: Instant): void {
    const { proven, unproven } = this.#sight;
    if (proof.status !== "fast-final") {
      const isOlder = unproven !== null && unproven.at.steadyMs > at.steadyMs;
      const isNews = !isOlder || proof.status === "contradicted";
      if (isNews) this.#learn({ unproven: { value: proof, at } });
      return;
    }
    if (proven !== null && proven.at.steadyMs > at.steadyMs) return;
    // Another block at that height says nothing of the one that was proved.
    if (proven !== null && proven.value.block.blockHash !== proof.block.blockHash) return;
    // Confirmed by its block: what the transaction's receipt proved is still proved.
    const isSuccess = proof.isSuccess ?? proven?.value.isSuccess ?? null;
    this.#learn({ proven: { value: { ...proof, isSuccess }, at }, unproven: null });
  }

  #onHint(endpoint: string, hint: Hint): void {
    const isNew = hint.isContradicted && !this.#contradicting.has(endpoint);
    if (hint.isContradicted) this.#contradicting.add(endpoint);
    else this.#contradicting.delete(endpoint);
    const { state, block } = this.#detail;
    if (isNew) this.#askWithin(SOON);
    if (isNew || state === "fast-final" || state === "contradicted") return;
    const height = block?.blockNumber ?? heightOf(this.#question.subject);
    const isCovered = height !== null && hint.fastFinal !== null && hint.fastFinal >= height;
    this.#askWithin(isCovered ? SOON : LATER);
  }

  #askWithin({ leastMs, part }: Spacing): void {
    if (this.#ports.isHidden()) return;
    const openMs = elapsedMs(this.#changedAt, this.#ports.clock.now());
    const spacing = Math.min(MOST_SPACING_MS, Math.max(leastMs, openMs * part));
    const inMs = Math.max(0, spacing - this.#sinceRoundMs());
    if (this.#due !== null && this.#due.inMs <= inMs) return;
    this.#cancelDue();
    if (inMs === 0) this.refresh();
    else this.#due = { timer: setTimeout(() => this.refresh(), inMs), inMs };
  }

  #sinceRoundMs(): number {
    const { clock } = this.#ports;
    return this.#roundAt === null
      ? Number.POSITIVE_INFINITY
      : elapsedMs(this.#roundAt, clock.now());
  }

  #cancelDue(): void {
    if (this.#due !== null) clearTimeout(this.#due.timer);
    this.#due = null;
  }
}

function isTimedOut(proof: Proof): boolean {
  return proof.status === "not-yet" && proof.code === "timed-out";
}

function noProof(code: string): Proof {
  return { status: "not-yet", code, endpoints: [] };
}

/** Whether a proof only was not there yet; what a policy refuses comes with a later head at best. */
function isComing(proof: Proof): boolean {
  if (proof.status !== "not-yet") return false;
  return proof.code === "pending" || proof.code === "not-covered" || proof.code === "unavailable";
}

function codeOf(said: Said): string {
  return said.kind === "status" ? said.status.status : said.code;
}

function heightOf(subject: Subject): bigint | null {
  return subject.kind === "block" && typeof subject.block === "bigint" ? subject.block : null;
}

function isKnown({ state }: FinalityDetail): boolean {
  return state !== "unknown" && state !== "stale" && state !== "unreachable";
}

function isSameAnswer(left: FinalityDetail, right: FinalityDetail): boolean {
  return (
    left.state === right.state &&
    left.code === right.code &&
    left.isVerified === right.isVerified &&
    left.block?.blockHash === right.block?.blockHash
  );
}
