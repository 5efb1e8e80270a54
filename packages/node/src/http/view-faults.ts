import { NodeError } from "../node-error.ts";
import type { HandlerResult, Handlers } from "./handlers.ts";

type Fault = Extract<HandlerResult, { readonly ok: false }>;

/** What a reader is told where a view threw because it cannot tell now; null for other errors. */
export function faultOf(error: unknown): Fault | null {
  if (!(error instanceof NodeError)) return null;
  switch (error.code) {
    case "view-stale":
      return { ok: false, code: "stale", detail: error.message };
    case "database-unavailable":
      return { ok: false, code: "unavailable" };
    default:
      return null;
  }
}

/** The same handlers, but that a view which cannot tell now is an answer and no failure. */
export function tellFaults(handlers: Handlers): Handlers {
  const told = Object.entries(handlers).map(([id, handle]) => {
    // Each id's input goes to its own handler; over all ids the compiler cannot follow.
    const ask = handle as (input: unknown) => HandlerResult | Promise<HandlerResult>;
    const tell = (input: unknown): HandlerResult | Promise<HandlerResult> => {
      try {
        const result = ask(input);
        return result instanceof Promise ? result.catch(toFault) : result;
      } catch (error) {
        return toFault(error);
      }
    };
    return [id, tell] as const;
  });
  return Object.fromEntries(told) as unknown as Handlers;
}

function toFault(error: unknown): Fault {
  const fault = faultOf(error);
  if (fault === null) throw error;
  return fault;
}
