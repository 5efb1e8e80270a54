import type { NodeReader } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatSpan } from "../shared/format.ts";
import type { Failure } from "./answer-subject.ts";
import { type Clock, elapsedMs, type Moment } from "./clock.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { ReaderTrust } from "./reader-trust.ts";
import type { Route } from "./route.ts";
import { FAILURE_WORDS, REASON_WORDS } from "./words.ts";

/** What every page is given. */
export interface PageContext {
  readonly reader: NodeReader;
  readonly live: LiveNetwork;
  readonly clock: Clock;
  trust(): ReaderTrust | null;
  setTrust(trust: ReaderTrust | null): void;
  /** Shows the page anew. */
  update(): void;
  navigate(route: Route): void;
}

/** One page that is shown. */
export interface Page {
  readonly title: string;
  view(): TemplateResult;
  /** Ends whatever the page has started. */
  stop?(): void;
}

/** An answer that is being asked for, again and again where it may change. */
export interface Resource<T> {
  readonly value: T | null;
  readonly at: Moment | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  stop(): void;
}

/** After so long without a new answer, an answer that changes is shown as old. */
const OLD_AFTER_MS = 20_000;
/** When an answer that never changes is asked for again, where the node was out of reach. */
const AGAIN_MS = 5_000;

/** Asks now, and each `everyMs` if that is given or no answer came, until it is stopped. */
export function createResource<T>(
  { clock, update }: Pick<PageContext, "clock" | "update">,
  load: () => Promise<{ readonly ok: true; readonly answer: T } | Failure>,
  everyMs?: number,
): Resource<T> {
  const state = {
    value: null as T | null,
    at: null as Moment | null,
    failure: null as Resource<T>["failure"],
    isStopped: false,
    timer: undefined as ReturnType<typeof setTimeout> | undefined,
    stop(): void {
      state.isStopped = true;
      clearTimeout(state.timer);
    },
  };
  const ask = async (): Promise<void> => {
    const result = await load();
    if (state.isStopped) return;
    if (result.ok) {
      state.value = result.answer;
      state.at = clock();
      state.failure = null;
    } else {
      const { code, message } = result;
      state.failure = { code, message };
      // The node's own word that there is none replaces an earlier answer; silence does not.
      if (code !== "unreachable") state.value = null;
    }
    const nextMs = everyMs ?? (state.failure?.code === "unreachable" ? AGAIN_MS : undefined);
    if (nextMs !== undefined) state.timer = setTimeout(() => void ask(), nextMs);
    update();
  };
  void ask();
  return state;
}

/** What stands where an answer is awaited, did not come, or has become old; null where it is there. */
export function viewMissing(
  context: PageContext,
  resource: Resource<unknown>,
  lookedFor: string,
): TemplateResult | null {
  const { value, failure } = resource;
  if (value !== null) return null;
  if (failure === null) return html`<p class="waiting" role="status">Asking the node …</p>`;
  return viewNotFound(context, lookedFor, failure.code);
}

/** A page, or a part of one, that says what was looked for, where, and what came of it. */
export function viewNotFound(
  { reader }: Pick<PageContext, "reader">,
  lookedFor: string,
  code: string,
): TemplateResult {
  return html`<section class="panel missing">
    <h2>Nothing to show</h2>
    <dl class="facts">
      <div><dt>Looked for</dt><dd>${lookedFor}</dd></div>
      <div><dt>Where</dt><dd>the node at <code>${reader.endpoint}</code></dd></div>
      <div><dt>Answer</dt><dd><code>${code}</code>: ${FAILURE_WORDS[code] ?? REASON_WORDS[code] ?? "No answer."}</dd></div>
    </dl>
    <p class="muted">
      It is one node's sight. Another node, or this one later, may know more.
    </p>
  </section>`;
}

/** A line above an answer that is no longer new. */
export function viewOld(
  { clock }: PageContext,
  { at, failure }: Resource<unknown>,
): TemplateResult | typeof nothing {
  if (at === null) return nothing;
  const ageMs = elapsedMs(at, clock());
  if (ageMs < OLD_AFTER_MS && failure === null) return nothing;
  const why = failure === null ? "" : ` (${failure.code})`;
  return html`<p class="notice pending" role="status">
    This is ${formatSpan(ageMs)} old: the node has not answered since${why}.
  </p>`;
}

/** Whether a resource is old enough that nothing of it may be green. */
export function isOld({ clock }: PageContext, { at }: Resource<unknown>): boolean {
  return at === null || elapsedMs(at, clock()) >= OLD_AFTER_MS;
}
