import { parseDocument } from "@mach/api";
import type { NativeBls } from "@mach/bls";
import {
  type Claim,
  claimDigest,
  fromHex,
  type Hex,
  isSameDomain,
  peerBindingDigest,
  setUpdateDigest,
} from "@mach/core";
import type { z } from "zod";
import { NodeError } from "../node-error.ts";
import type { ProtectionIdentity } from "./protection.ts";
import type {
  BindingResult,
  SetUpdateRequest,
  SetUpdateResult,
  SignatureEncodings,
  SignRequest,
  SignResult,
  UnsignedBinding,
} from "./signer.ts";
import {
  aboutSchema,
  bindingAnswerSchema,
  encodeClaimRequest,
  encodeIdentityFields,
  keptAnswerSchema,
  lastAnswerSchema,
  MAX_SIGNER_ANSWER_BYTES,
  refusalSchema,
  SIGNER_ROUTES,
  type SignerAbout,
  signatureAnswerSchema,
} from "./signer-wire.ts";

export interface RemoteSignerOptions {
  /** http: or https:, without a path. */
  readonly url: string;
  /** 32 bytes. */
  readonly token: Hex;
  readonly timeoutMs: number;
}

/** The signer of another process. What it cannot answer is a refusal `signer-unreachable`. */
export interface RemoteSigner {
  readonly about: SignerAbout;
  /** Whether it has this key, asked again where it had not. Never rejects. */
  holds(publicKey: Hex): Promise<boolean>;
  sign(request: SignRequest): Promise<SignResult>;
  signSetUpdate(request: SetUpdateRequest): Promise<SetUpdateResult>;
  signPeerBinding(asked: UnsignedBinding): Promise<BindingResult>;
  /** The highest claim on a rollup. Throws a NodeError `signer-unreachable`. */
  lastSigned(rollupId: bigint): Promise<Claim | null>;
  /** Throws a NodeError `signer-unreachable`. */
  keepPlace(): Promise<void>;
}

type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string };

/** How often a signer without the key that is needed is asked whether it has it by now. */
const ABOUT_RETRY_MS = 5_000;

type Bls = Pick<NativeBls, "verifyAggregate" | "compressSignature">;

/**
 * Connects to a signer and learns its key. Throws a NodeError where it cannot be reached, or is
 * another operator's or network's.
 */
export async function connectSigner(
  { bls, identity }: { readonly bls: Bls; readonly identity: ProtectionIdentity },
  options: RemoteSignerOptions,
): Promise<RemoteSigner> {
  const { about: route, claim, setUpdate, binding, lastSigned, keepPlace } = SIGNER_ROUTES;
  const answer = await ask(options, { route, schema: aboutSchema });
  if (!answer.ok) throw unreachable(options, answer.code);
  const about = answer.value;
  if (!isSameIdentity(about, identity)) {
    throw unreachable(options, "it is another operator's or network's");
  }
  const fields = encodeIdentityFields(identity);
  const keys = followKeys(about, async () => {
    const again = await ask(options, { route, schema: aboutSchema });
    return again.ok && isSameIdentity(again.value, identity) ? again.value : null;
  });

  /** What another process says is a signature is one only where it verifies. */
  function checked(
    message: Hex,
    { signature, publicKey = keys.present() }: { signature: Hex; publicKey?: Hex | undefined },
  ): SignatureEncodings | null {
    const uncompressed = fromHex(signature);
    const compressed = bls.compressSignature(uncompressed);
    if (compressed === null) return null;
    const isValid = bls.verifyAggregate({
      publicKeys: [publicKey],
      message,
      signature: compressed,
    });
    return isValid ? { compressed, uncompressed } : null;
  }

  return {
    about,
    holds: (publicKey) => keys.holds(publicKey),
    async sign(request) {
      if (request.isStillWanted?.() === false) return { ok: false, code: "no-longer-wanted" };
      const { ancestry = [], release = null } = request;
      const body = encodeClaimRequest({ ...request, ancestry, release });
      const asked = await ask(options, { route: claim, body, schema: signatureAnswerSchema });
      if (!asked.ok) return asked as SignResult;
      const digest = claimDigest(identity.domain, request.claim);
      const { publicKey } = request;
      const made = checked(digest, { ...asked.value, publicKey });
      if (made === null) return { ok: false, code: "signer-unreachable" };
      return { ok: true, signed: { claim: request.claim, digest, ...made } };
    },
    async signSetUpdate(request) {
      if (request.isStillWanted?.() === false) return { ok: false, code: "no-longer-wanted" };
      const { epoch, operatorSetHash, publicKey } = request;
      const body = { ...fields, publicKey, epoch: `${epoch}`, operatorSetHash };
      const asked = await ask(options, { route: setUpdate, body, schema: signatureAnswerSchema });
      if (!asked.ok) return asked as SetUpdateResult;
      const digest = setUpdateDigest(identity.domain, { epoch, operatorSetHash });
      const made = checked(digest, { ...asked.value, publicKey });
      if (made === null) return { ok: false, code: "signer-unreachable" };
      return { ok: true, signed: { epoch, operatorSetHash, digest, ...made } };
    },
    async signPeerBinding({ peerId, expiry, publicKey = keys.present() }) {
      const body = { ...fields, publicKey, peerId, expiry: `${expiry}` };
      const asked = await ask(options, { route: binding, body, schema: bindingAnswerSchema });
      if (!asked.ok) return asked as BindingResult;
      const { sequence, signature } = asked.value;
      const made = { operator: identity.operator, peerId, sequence, expiry };
      const message = peerBindingDigest(identity.domain, made);
      const isValid = bls.verifyAggregate({ publicKeys: [publicKey], message, signature });
      if (!isValid) return { ok: false, code: "signer-unreachable" };
      return { ok: true, binding: { ...made, signature } };
    },
    async lastSigned(rollupId) {
      const body = { ...fields, rollupId: `${rollupId}` };
      const asked = await ask(options, { route: lastSigned, body, schema: lastAnswerSchema });
      if (!asked.ok) throw unreachable(options, asked.code);
      return asked.value.claim;
    },
    async keepPlace() {
      const asked = await ask(options, { route: keepPlace, body: {}, schema: keptAnswerSchema });
      if (!asked.ok) throw unreachable(options, asked.code);
    },
  };
}

/** What keys a signer has: it may be given another while nodes run, and is asked for it. */
function followKeys(
  about: SignerAbout,
  askAgain: () => Promise<SignerAbout | null>,
): { present(): Hex; holds(publicKey: Hex): Promise<boolean> } {
  let newest = about;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;
  const has = (publicKey: Hex): boolean =>
    newest.publicKey === publicKey || newest.nextPublicKey === publicKey;
  return {
    present: () => newest.publicKey,
    async holds(publicKey) {
      if (has(publicKey)) return true;
      if (underWay === null && performance.now() - askedAtMs >= ABOUT_RETRY_MS) {
        askedAtMs = performance.now();
        underWay = askAgain().then((answer) => {
          newest = answer ?? newest;
          underWay = null;
        });
      }
      await underWay;
      return has(publicKey);
    },
  };
}

function isSameIdentity(left: ProtectionIdentity, right: ProtectionIdentity): boolean {
  return isSameDomain(left.domain, right.domain) && left.operator === right.operator;
}

function unreachable({ url }: RemoteSignerOptions, why: string): NodeError {
  return new NodeError("signer-unreachable", `The signer at ${url} does not serve (${why}).`);
}

/** One request. Whatever goes wrong on the way is `signer-unreachable`; nothing is thrown. */
async function ask<T>(
  { url, token, timeoutMs }: RemoteSignerOptions,
  asked: {
    readonly route: string;
    readonly body?: unknown;
    readonly schema: z.ZodType<T, unknown>;
  },
): Promise<Asked<T>> {
  try {
    const response = await fetch(new URL(asked.route, url), {
      method: asked.body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: asked.body === undefined ? null : JSON.stringify(asked.body),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const json = JSON.parse(await readBounded(response));
    if (!response.ok) {
      const refused = parseDocument(refusalSchema, json);
      return { ok: false, code: refused.ok ? refused.value.code : "signer-unreachable" };
    }
    const parsed = parseDocument(asked.schema, json);
    return parsed.ok ? parsed : { ok: false, code: "signer-unreachable" };
  } catch {
    // Refused, timed out, cut off, too long, no JSON: each leaves this node without a signer.
    return { ok: false, code: "signer-unreachable" };
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_SIGNER_ANSWER_BYTES) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
