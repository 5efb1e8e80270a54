import { hash } from "node:crypto";
import { CACHE_CLASSES, type CacheClass } from "@mach/api";

/** A successful answer, ready to be sent. */
export interface Answer {
  readonly body: Buffer;
  /** A strong validator: it stands for exactly these bytes. */
  readonly etag: string;
  readonly cacheControl: string;
  readonly contentType: string;
}

/** Bytes with their validator. */
export interface CachedBody {
  readonly body: Buffer;
  readonly etag: string;
}

const JSON_TYPE = "application/json; charset=utf-8";

/** A document as an answer of its own. */
export function jsonAnswer(document: object, cache: CacheClass): Answer {
  return cachedAnswer(toCachedBody(document), cache);
}

/** Bytes of JSON as an answer. */
export function cachedAnswer(cached: CachedBody, cache: CacheClass): Answer {
  const { body, etag } = cached;
  return { body, etag, cacheControl: CACHE_CLASSES[cache].header, contentType: JSON_TYPE };
}

/** A document's bytes with their validator. */
export function toCachedBody(document: object): CachedBody {
  const body = Buffer.from(JSON.stringify(document));
  return { body, etag: etagOf(body) };
}

/** The strong entity tag of a body (RFC 9110, section 8.8.3). */
export function etagOf(body: Buffer): string {
  return `"${hash("sha1", body, "base64url")}"`;
}

/** Whether If-None-Match names this tag (RFC 9110, section 13.1.2: the weak comparison). */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch === "*") return true;
  return ifNoneMatch.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}
