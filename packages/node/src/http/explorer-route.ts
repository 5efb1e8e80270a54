import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isNotModified } from "./answer.ts";

/** One file of the built page. */
interface SiteFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly isHashed: boolean;
  /** Made when it is first asked for, once. */
  packed: Promise<Buffer> | null;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * No script or style but the page's own files, and no frame around it. It may connect to any node or
 * L1 endpoint, because its reader names them.
 */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  vary: "accept-encoding",
};

const pack = promisify(gzip);
const sites = new Map<string, readonly SiteFile[]>();

/** Serves the explorer at `/`. Only files that are there now are routes; without a build, none. */
export function addExplorerRoute(app: FastifyInstance, folder: URL): void {
  for (const file of siteIn(folder)) {
    const path = file.path === "index.html" ? "/" : `/${file.path}`;
    app.get(path, (request, reply) => sendFile(request, reply, file));
  }
}

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: SiteFile,
): Promise<FastifyReply> {
  const { bytes, contentType, etag, isHashed } = file;
  reply.headers(PAGE_HEADERS).header("etag", etag);
  // The page itself names the files of its build, and is asked for anew each time.
  reply.header("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (isNotModified(request.headers["if-none-match"], etag)) return reply.code(304).send();
  reply.type(contentType);
  if (!acceptsGzip(request.headers["accept-encoding"])) return reply.send(bytes);
  file.packed ??= pack(bytes, { level: constants.Z_BEST_COMPRESSION });
  return reply.header("content-encoding", "gzip").send(await file.packed);
}

/** Whether gzip is named and not refused (RFC 9110, section 12.5.3). */
function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)/i.test(
    acceptEncoding ?? "",
  );
}

/** The files of a build, read once in a process, so that a build meanwhile mixes no two. */
function siteIn(folder: URL): readonly SiteFile[] {
  const known = sites.get(folder.href);
  if (known !== undefined) return known;
  const files = listFiles(folder).flatMap((path): readonly SiteFile[] => {
    const contentType = CONTENT_TYPES[path.split(".").at(-1) ?? ""];
    if (contentType === undefined) return [];
    const bytes = readFileSync(new URL(path, folder));
    const etag = `"${hash("sha1", bytes, "base64url")}"`;
    return [{ path, bytes, contentType, etag, isHashed: path.startsWith("assets/"), packed: null }];
  });
  sites.set(folder.href, files);
  return files;
}

function listFiles(folder: URL): readonly string[] {
  try {
    return readdirSync(fileURLToPath(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(fileURLToPath(folder).length))
      .map((path) => path.replaceAll("\\", "/").replace(/^\//, ""));
  } catch {
    // The explorer was not built: the API is served all the same.
    return [];
  }
}
