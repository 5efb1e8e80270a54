import { timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { encodeClaim, parseDocument } from "@mach/api";
import { type Hex, toHex } from "@mach/core";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { z } from "zod";
import { NodeError } from "../node-error.ts";
import type { ProtectionIdentity } from "./protection.ts";
import type { Signer } from "./signer.ts";
import {
  bindingRequestSchema,
  claimRequestSchema,
  encodeIdentityFields,
  MAX_SIGNER_REQUEST_BYTES,
  rollupRequestSchema,
  SIGNER_ROUTES,
  type SignerAbout,
  setUpdateRequestSchema,
} from "./signer-wire.ts";

export interface SignerServerDependencies {
  readonly signer: Signer;
  readonly about: SignerAbout;
  /** The key beside the present one, as far as it can be opened by now. */
  readonly nextPublicKey?: () => Promise<Hex | null>;
  /** 32 bytes: who does not send it is told nothing. */
  readonly token: Hex;
  /** From now on the record is where it is. */
  readonly keepPlace: () => Promise<void>;
  readonly onFatal: (error: unknown) => void;
}

export interface SignerServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A signer behind HTTP, for the nodes of one operator. */
export interface SignerServer {
  readonly url: string;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What may be asked again: it says nothing about the claim. */
const PASSING = new Set(["queue-full", "key-failed", "not-persisted", "signer-stopped"]);
const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;

/**
 * Serves a signer. It takes typed claims with the evidence of the lock, never a digest, and
 * decides by its own record; a refusal is 412 with its code. Throws a NodeError where it cannot
 * listen.
 */
export async function startSignerServer(
  dependencies: SignerServerDependencies,
  options: SignerServerOptions,
): Promise<SignerServer> {
  const app = fastify({
    logger: false,
    bodyLimit: MAX_SIGNER_REQUEST_BYTES,
    requestTimeout: TIMEOUT_MS,
    connectionTimeout: 2 * TIMEOUT_MS,
    http: { headersTimeout: TIMEOUT_MS / 2, connectionsCheckingInterval: 1_000 },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.addHook("onRequest", async (request, reply) => {
    if (!isAuthorised(request, dependencies.token)) {
      await reply.code(401).send({ code: "unauthorised", message: "The token is not this one's." });
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const { statusCode = 500 } = error;
    const code = statusCode < 500 ? "malformed-request" : "internal";
    void reply.code(statusCode).send({ code, message: "The request was not served." });
  });
  const handlers = createSignerHandlers(dependencies);
  app.get(SIGNER_ROUTES.about, () => handlers.about());
  for (const name of ["claim", "setUpdate", "binding", "lastSigned", "keepPlace"] as const) {
    app.post(SIGNER_ROUTES[name], async (request, reply) =>
      send(reply, await handlers[name](request.body)),
    );
  }
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await app.close();
    const at = `${options.host}, port ${options.port}`;
    throw new NodeError("api-unusable", `The signer cannot listen on ${at}.`, { cause });
  }
  const { port, address, family } = app.server.address() as AddressInfo;
  const name = family === "IPv6" ? `[${address}]` : address;
  return { url: `http://${name}:${port}`, stop: () => app.close() };
}

type Handlers = Record<
  Exclude<keyof typeof SIGNER_ROUTES, "about">,
  (body: unknown) => Promise<Answer>
> & { about(): Promise<unknown> };

function createSignerHandlers({
  signer,
  about,
  nextPublicKey,
  keepPlace,
  onFatal,
}: SignerServerDependencies): Handlers {
  let { isInPlace } = about;
  /** Runs for a well-formed request of this identity. */
  function answering<T extends ProtectionIdentity>(
    schema: z.ZodType<T, unknown>,
    answer: (request: T) => Promise<Answer>,
  ): (body: unknown) => Promise<Answer> {
    return async (body) => {
      const parsed = parseDocument(schema, body);
      if (parsed.ok) return await answer(parsed.value);
      return { status: 400, body: { code: "malformed-request", message: `At ${parsed.path}.` } };
    };
  }
  return {
    async about() {
      const next = (await nextPublicKey?.()) ?? undefined;
      return { ...about, ...encodeIdentityFields(about), nextPublicKey: next, isInPlace };
    },
    claim: answering(claimRequestSchema, async (request) => {
      // Whoever asks has to have asked its peers first.
      if (!isInPlace) return refusal("quarantined");
      const result = await signer.sign(request);
      return result.ok
        ? ok({ signature: toHex(result.signed.uncompressed) })
        : refusal(result.code);
    }),
    setUpdate: answering(setUpdateRequestSchema, async (request) => {
      const result = await signer.signSetUpdate(request);
      return result.ok
        ? ok({ signature: toHex(result.signed.uncompressed) })
        : refusal(result.code);
    }),
    binding: answering(bindingRequestSchema, async (request) => {
      const foreign = foreignTo(about, request);
      if (foreign !== null) return refusal(foreign);
      const { peerId, expiry, publicKey } = request;
      const result = await signer.signPeerBinding({ peerId, expiry, publicKey });
      if (!result.ok) return refusal(result.code);
      const { signature, sequence } = result.binding;
      return ok({ signature, sequence: `${sequence}` });
    }),
    lastSigned: answering(rollupRequestSchema, async (request) => {
      const foreign = foreignTo(about, request);
      if (foreign !== null) return refusal(foreign);
      const record = await signer.lastSigned(request.rollupId);
      return ok({ claim: record && encodeClaim(record.claim) });
    }),
    async keepPlace() {
      try {
        await keepPlace();
      } catch (error) {
        onFatal(error);
        throw error;
      }
      isInPlace = true;
      return ok({ kept: true });
    },
  };
}

function foreignTo(
  about: ProtectionIdentity,
  { domain, operator }: ProtectionIdentity,
): "wrong-domain" | "wrong-operator" | null {
  const isSame =
    domain.chainId === about.domain.chainId &&
    domain.verifyingContract === about.domain.verifyingContract;
  if (!isSame) return "wrong-domain";
  return operator === about.operator ? null : "wrong-operator";
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refusal(code: string): Answer {
  const status = PASSING.has(code) ? 503 : 412;
  return { status, body: { code, message: `The signer refuses: ${code}.` } };
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body);
}

/** In constant time: an answer's delay must not tell how much of a token was right. */
function isAuthorised(request: FastifyRequest, token: Hex): boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(request.headers.authorization ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
