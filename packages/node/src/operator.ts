import type { NativeBls, SecretKey } from "@mach/bls";
import { type Domain, fromHex, type Hex, type SignedPeerBinding } from "@mach/core";
import type { OperatorConfig } from "./config.ts";
import type { DataFolder } from "./data-folder.ts";
import type { ClaimSigner } from "./engine/ports.ts";
import type { BindingSigner } from "./gossip/own-binding.ts";
import { NodeError } from "./node-error.ts";
import { readSecretFile, unusable } from "./secret-file.ts";
import { createSigner } from "./signer/local-signer.ts";
import { adviceOn, openProtection } from "./signer/open-protection.ts";
import { keepPlace } from "./signer/place.ts";
import type { RecordOrigin } from "./signer/protection.ts";

/** What a node does in an operator's name. */
export interface OperatorSigner {
  readonly operator: Hex;
  /** What is known of the signing record from its opening. */
  readonly record: {
    readonly origin: RecordOrigin;
    /** Whether it is where it was opened last: a copy, or a restored machine, is not. */
    readonly isInPlace: boolean;
    /** From now on it is where it is: it was found to be no old copy. */
    keepPlace(): Promise<void>;
  };
  readonly claims: ClaimSigner;
  readonly bindings: BindingSigner;
  stop(): Promise<void>;
}

export interface OperatorDependencies {
  readonly folder: DataFolder;
  readonly domain: Domain;
  readonly bls: NativeBls;
  readonly onFatal: (error: unknown) => void;
  readonly now: () => number;
}

/** How far above the verified head a height may be before the signer refuses it. */
const MAX_AHEAD_BLOCKS = 4_096n;
const MAX_QUEUED = 4_096;
const NAME = "BLS key";

/** Opens an operator's key and its signing record; throws a NodeError that says what is missing. */
export async function openOperator(
  config: OperatorConfig,
  dependencies: OperatorDependencies,
): Promise<OperatorSigner> {
  const { folder, domain, bls, onFatal, now } = dependencies;
  const secretKey = await readSecretKey(config.secretKeyFile, bls);
  const operator = config.address;
  const opened = await openProtection(folder, { domain, operator });
  if (!opened.ok) {
    throw new NodeError(
      "protection-unusable",
      `The signing record in ${folder.path} cannot be used (${opened.code}). ` +
        adviceOn(opened.code),
    );
  }
  const key = { sign: (message: Hex) => bls.sign(secretKey, message) };
  const { protection, isInPlace } = opened;
  const signer = createSigner(
    { protection, key, bls, onFatal, now },
    { maxAheadBlocks: MAX_AHEAD_BLOCKS, maxQueued: MAX_QUEUED },
  );
  return {
    operator,
    record: { origin: protection.origin, isInPlace, keepPlace: () => keepPlace(folder) },
    claims: {
      publicKey: bls.publicKeyOf(secretKey),
      async sign(request) {
        const result = await signer.sign({ ...request, domain, operator });
        if (!result.ok) return result;
        const { claim, uncompressed } = result.signed;
        return { ok: true, attestation: { claim, operator, signature: uncompressed } };
      },
      async lastSigned(rollupId) {
        return (await signer.lastSigned(rollupId))?.claim ?? null;
      },
      async signSetUpdate(request) {
        const result = await signer.signSetUpdate({ ...request, domain, operator });
        return result.ok ? { ok: true, signature: result.signed.compressed } : result;
      },
    },
    bindings: {
      async signPeerBinding(asked): Promise<SignedPeerBinding> {
        const result = await signer.signPeerBinding(asked);
        if (result.ok) return result.binding;
        throw new NodeError("signer-stopped", `The signer refused a binding (${result.code}).`);
      },
    },
    stop: () => signer.stop(),
  };
}

async function readSecretKey(file: string, bls: NativeBls): Promise<SecretKey> {
  const secretKey = bls.secretKeyFromBytes(fromHex(await readSecretFile(file, NAME)));
  if (secretKey === null) throw unusable(file, NAME, "holds no valid secret key");
  return secretKey;
}
