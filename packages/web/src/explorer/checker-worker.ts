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
  const { id, endpoint, network, question } = event.data;
  void checkerFor({ endpoint, network })
    .check(question)
    .then((result) => {
      const reply: CheckerReply = { id, result };
      postMessage(reply);
    });
});
