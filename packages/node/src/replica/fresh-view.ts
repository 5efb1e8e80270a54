import type { NodeView } from "../http/node-view.ts";
import { NodeError } from "../node-error.ts";
import type { Freshness } from "./freshness.ts";

/** What stays true for ever, or tells by itself that there is nothing new. */
const TIMELESS: ReadonlySet<PropertyKey> = new Set<keyof NodeView>([
  "certificateById",
  "calldata",
  "subscribe",
]);

/**
 * A view that fails with a NodeError `view-stale` rather than tell as the newest what is older
 * than the bound. Guarded by default: a method that nobody thought of here is.
 */
export function guardFreshness(
  view: NodeView,
  freshness: Pick<Freshness, "isFresh" | "ageMs">,
): NodeView {
  return new Proxy(view, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...values: readonly unknown[]): unknown => {
        if (!TIMELESS.has(name) && !freshness.isFresh()) throw stale(freshness.ageMs());
        return Reflect.apply(member, target, values);
      };
    },
  });
}

function stale(ageMs: number): NodeError {
  const age = Number.isFinite(ageMs) ? `${Math.floor(ageMs / 1_000)} s old` : "not there yet";
  return new NodeError("view-stale", `What the node published is ${age}.`);
}
