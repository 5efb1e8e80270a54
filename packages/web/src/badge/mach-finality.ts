import { describe } from "./description.ts";
import { type FinalityDetail, unknownDetail } from "./finding.ts";
import { thisPage } from "./page.ts";
import { QUESTION_ATTRIBUTES, type Question, readQuestion } from "./question.ts";
import { createView, type View } from "./view.ts";
import { addBadgeWords, wordsOf } from "./words.ts";

/** The event of a badge whose answer has changed in more than its age. It bubbles, out of shadow roots too. */
export type FinalityChangeEvent = CustomEvent<FinalityDetail>;

declare global {
  interface HTMLElementTagNameMap {
    "mach-finality": MachFinalityElement;
  }
  interface HTMLElementEventMap {
    "mach-finality-change": FinalityChangeEvent;
  }
}

/** The name under which badges are defined. */
export const TAG_NAME = "mach-finality";
const CHANGE = "mach-finality-change";

/** On a server there are no elements, and the module is imported all the same. */
const Base: typeof HTMLElement =
  globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

/**
 * `<mach-finality>`: how final a transaction or a block is, and by which rule. Its attributes are in the
 * package's README; it asks while it is connected, and nothing else.
 */
export class MachFinalityElement extends Base {
  static readonly observedAttributes: readonly string[] = [...QUESTION_ATTRIBUTES, "lang"];

  /**
   * Adds the words of a language, `de` or `pt-br` for instance, for every badge whose `lang`, or that
   * of an element around it, names it. What is left out stays English.
   */
  static readonly addWords: typeof addBadgeWords = addBadgeWords;

  #view: View | undefined;
  #states: Set<string> | undefined;
  #detail: FinalityDetail = unknownDetail("asking");
  #question: Question | undefined;
  #release: (() => void) | undefined;
  #isPlanned = false;

  /** What the badge shows now, with all that stands behind it. */
  get detail(): FinalityDetail {
    if (this.#isPlanned) this.#ask();
    return this.#detail;
  }

  connectedCallback(): void {
    this.#plan();
  }

  disconnectedCallback(): void {
    // An element that is only moved comes back before the microtask does.
    this.#plan();
  }

  attributeChangedCallback(): void {
    this.#plan();
  }

  /** One look at all attributes, however many change: nothing is painted in between. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => this.#ask());
  }

  #ask(): void {
    this.#isPlanned = false;
    if (!this.isConnected) {
      this.#leave();
      return;
    }
    const read = readQuestion((name) => this.getAttribute(name));
    if (!read.ok) {
      this.#leave();
      this.#show(unknownDetail("bad-attribute"), read.attribute);
    } else if (this.#question?.key === read.question.key) {
      this.#show(this.#detail);
    } else {
      this.#leave();
      this.#question = read.question;
      this.#release = thisPage().watch(read.question, (detail) => this.#show(detail));
    }
  }

  #leave(): void {
    this.#release?.();
    this.#release = undefined;
    this.#question = undefined;
  }

  #show(detail: FinalityDetail, attribute?: string): void {
    const before = this.#detail;
    this.#detail = detail;
    this.#view ??= createView(this.shadowRoot ?? this.attachShadow({ mode: "open" }));
    const lang = this.closest<HTMLElement>("[lang]")?.lang ?? "";
    const words = wordsOf(lang);
    const description = describe(detail, Date.now(), words);
    const name = words["name.attribute"];
    const named = attribute === undefined ? [] : [{ name, text: attribute }];
    this.#view.show({ ...description, lines: [...description.lines, ...named] });
    this.#mark(detail);
    if (isSame(before, detail)) return;
    this.dispatchEvent(new CustomEvent(CHANGE, { detail, bubbles: true, composed: true }));
  }

  /** Custom states, as `mach-finality:state(fast-final)`: no attribute of a page can forge them. */
  #mark({ state, isVerified }: FinalityDetail): void {
    try {
      this.#states ??= this.attachInternals().states;
      this.#states.clear();
      this.#states.add(state);
      if (isVerified) this.#states.add("verified");
    } catch {
      // A browser without them: its pages style the badge by its parts.
    }
  }
}

/** Defines `<mach-finality>` in a browser, once; on a server it does nothing. */
export function defineMachFinality(): void {
  if (typeof customElements === "undefined" || customElements.get(TAG_NAME)) return;
  customElements.define(TAG_NAME, MachFinalityElement);
}

/** Whether two answers differ in nothing but their age and which endpoint said what. */
function isSame(left: FinalityDetail, right: FinalityDetail): boolean {
  const facts = ({
    state,
    code,
    isVerified,
    block,
    rule,
    certificate,
    isSuccess,
  }: FinalityDetail) =>
    [
      ...[state, code, isVerified, isSuccess, block?.blockHash, certificate?.certificateId],
      ...[rule?.signedWeight, rule?.requiredWeight, rule?.totalWeight],
    ].join();
  return facts(left) === facts(right);
}
