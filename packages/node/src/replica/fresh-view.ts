import type { NodeView } from "../http/node-view.ts";
import { NodeError } from "../node-error.ts";
import type { Freshness } from "./freshness.ts";

/** What stays true for ever, or tells by itself that there is nothing new. */
const TIMELESS: ReadonlySet<PropertyKey> = new Set<keyof NodeView>([
  "certificateById",
  "calldata",
  "subscribe",
]);

/** What has a failure of its own to answer with. */
const CODED: ReadonlySet<PropertyKey> = new Set<keyof NodeView>([
  "rollup",
  "finality",
  "block",
  "transaction",
  "certificate",
  "certificates",
  "operatorSet",
  "setUpdate",
  "operators",
  "operator",
]);

/**
 * A view that answers `stale`, or throws a NodeError `view-stale` where it has no code to answer
 * with, rather than tell as the newest what is older than the bound. Guarded by default: a method
 * that nobody thought of here is.
 */
export function guardFreshness(
  view: NodeView,
  freshness: Pick<Freshness, "isFresh" | "ageMs">,
): NodeView {
  return new Proxy(view, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const refuse = (): unknown => {
        const detail = howOld(freshness.ageMs());
        if (!CODED.has(name)) throw new NodeError("view-stale", detail);
        return { ok: false, code: "stale", detail };
      };
      return (...values: readonly unknown[]): unknown => {
        if (TIMELESS.has(name)) return Reflect.apply(member, target, values);
        if (!freshness.isFresh()) return refuse();
        const answer: unknown = Reflect.apply(member, target, values);
        if (!(answer instanceof Promise)) return answer;
        // What was asked for meanwhile may have taken until the rest of it was too old.
        return answer.then((value: unknown) => (freshness.isFresh() ? value : refuse()));
      };
    },
  });
}

function howOld(ageMs: number): string {
  const age = Number.isFinite(ageMs) ? `${Math.floor(ageMs / 1_000)} s old` : "not there yet";
  return `What the node published is ${age}.`;
}
