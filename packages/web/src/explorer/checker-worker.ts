import "./no-eval.ts";
import { type Checker, type CheckerOptions, createChecker } from "./check-certificate.ts";
import type { CheckerReply, CheckerRequest } from "./checker-handle.ts";

/** Checks certificates beside the page, so that a pairing never holds up a click. */
const checkers = new Map<string, Checker>();

function checkerFor(options: Pick<CheckerOptions, "endpoint" | "network">): Checker {
  const { network, endpoint } = options;
  const key = [endpoint, ...Object.values(network)].join(" ");
  const known = checkers.get(key);
  if (known !== undefined) return known;
  const checker = createChecker(options);
  checkers.clear();
  checkers.set(key, checker);
  return checker;
}

addEventListener("message", (event: MessageEvent<CheckerRequest>) => {
  const { id, endpoint, network, asked } = event.data;
  const checker = checkerFor({ endpoint, network });
  const reply = (result: CheckerReply["result"]): void => {
    const said: CheckerReply = { id, result };
    postMessage(said);
  };
  if ("evidence" in asked) void checker.checkEvidence(asked).then(reply);
  else void checker.check(asked).then(reply);
});
