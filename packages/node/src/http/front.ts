import type { IncomingMessage, ServerResponse } from "node:http";
import { type Admission, costOfBytes } from "./admission.ts";
import { writeAnswer } from "./answer.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { Answered } from "./server.ts";

/** What meets each request before the framework does; true where it has answered. */
export type Front = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What stands for the route of a request that is turned away: it is not looked at. */
const REFUSED = "refused";

/**
 * Turns away who asks for too much, and answers what was answered before: the framework alone costs
 * as much as that.
 */
export function createFront(
  dependencies: { readonly admission: Admission; readonly kept: Pick<KeptAnswers, "find"> },
  options: {
    readonly onAnswered: ((answered: Answered) => void) | undefined;
    readonly isOpen: () => boolean;
  },
): Front {
  const { admission, kept } = dependencies;
  const { onAnswered, isOpen } = options;

  /** Counted when it is sent, as by the framework: behind others, or to a slow reader, that is later. */
  function count(response: ServerResponse, route: string, startedAt: number): void {
    if (onAnswered === undefined) return;
    response.once("finish", () => {
      const seconds = (performance.now() - startedAt) / 1_000;
      onAnswered({ route, status: response.statusCode, seconds });
    });
  }

  return (request, response) => {
    if (!isOpen()) return false;
    const startedAt = onAnswered === undefined ? 0 : performance.now();
    if (admission.refuse(request, response)) {
      if (response.headersSent) count(response, REFUSED, startedAt);
      return true;
    }
    if (request.method !== "GET") return false;
    const answer = kept.find(request.url ?? "", request.headers.accept);
    if (answer === undefined) return false;
    // What is large is paid for by its size, and not piled up: the route sees to that.
    if (costOfBytes(answer.body.byteLength) > 0) return false;
    writeAnswer(request, response, answer);
    count(response, answer.route, startedAt);
    return true;
  };
}
