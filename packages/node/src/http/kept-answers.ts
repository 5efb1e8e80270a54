import { CACHE_CLASSES, ROUTES } from "@mach/api";
import type { FastifyRequest } from "fastify";
import {
  type Answer,
  type Body,
  type PreparedAnswer,
  prefersBytes,
  prepareAnswer,
} from "./answer.ts";
import { toFastifyPath } from "./answered-routes.ts";
import type { BodyCache } from "./body-cache.ts";
import { formatAnswer } from "./certificate-answer.ts";
import { createTurnMemo } from "./turn-memo.ts";

/** An answer that needs no parsing of the request's parts, and the template of its route. */
export interface KeptAnswer extends PreparedAnswer {
  readonly route: string;
}

/**
 * What was answered before under the very same address, and may be answered so again: a
 * certificate by its id for ever; the newest state of things until the turn of the event loop is
 * over, or something happens. A failure, or an answer that may not be kept, never.
 */
export interface KeptAnswers {
  find(url: string, accept: string | undefined): KeptAnswer | undefined;
  /** Shows a new answer; for this turn it may be kept if readers may keep it for a second. */
  offer(request: FastifyRequest, answer: Answer, prepared: PreparedAnswer): void;
  /** Something has happened that no answer of before knows of. */
  clear(): void;
}

const ID_PREFIX = ROUTES.certificateById.path.replace(/\{\w+\}$/, "");
const ID_ROUTE = toFastifyPath(ROUTES.certificateById.path);
const ID_LENGTH = ID_PREFIX.length + 66;

/** Keeps what many ask for at once; the bytes of certificates are those of `cache`. */
export function createKeptAnswers({ cache }: { readonly cache: BodyCache }): KeptAnswers {
  const turn = createTurnMemo<string, KeptAnswer>();
  /** Goes with the body when that leaves the cache. */
  const prepared = new WeakMap<Body, KeptAnswer>();

  function findCertificate(url: string): KeptAnswer | undefined {
    // Only JSON is kept under the bare id, and an id is spelt in one way alone.
    const body = cache.get(url.slice(ID_PREFIX.length));
    if (body === undefined) return undefined;
    const known = prepared.get(body);
    if (known !== undefined) return known;
    const answer = prepareAnswer(formatAnswer(body, "json", "immutable"));
    const added = { ...answer, route: ID_ROUTE };
    prepared.set(body, added);
    return added;
  }

  return {
    find(url, accept) {
      if (url.length === ID_LENGTH && url.startsWith(ID_PREFIX)) {
        return prefersBytes(accept) ? undefined : findCertificate(url);
      }
      return turn.get(url);
    },
    offer(request, { cacheControl, vary }, answer) {
      if (cacheControl !== CACHE_CLASSES.head.header || vary !== undefined) return;
      const route = request.routeOptions.url ?? "";
      turn.offer(request.raw.url ?? "", { ...answer, route });
    },
    clear: turn.clear,
  };
}
