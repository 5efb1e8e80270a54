import type { IncomingMessage, ServerResponse } from "node:http";
import { writeAnswer } from "./answer.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { Answered } from "./server.ts";

/** What meets each request before the framework does; true where it has answered. */
export type Front = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Answers what was answered before. The framework alone costs as much as that. */
export function createFront(
  { kept }: { readonly kept: Pick<KeptAnswers, "find"> },
  options: {
    readonly onAnswered: ((answered: Answered) => void) | undefined;
    readonly isOpen: () => boolean;
  },
): Front {
  const { onAnswered, isOpen } = options;
  return (request, response) => {
    if (request.method !== "GET" || !isOpen()) return false;
    const answer = kept.find(request.url ?? "", request.headers.accept);
    if (answer === undefined) return false;
    writeAnswer(request, response, answer);
    onAnswered?.({ route: answer.route, status: response.statusCode, seconds: 0 });
    return true;
  };
}
