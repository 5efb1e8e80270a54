import type { NativeBls, SecretKey } from "@mach/bls";
import { type Claim, type Domain, fromHex, type Hex, type SignedPeerBinding } from "@mach/core";
import type { OperatorConfig } from "./config.ts";
import type { DataFolder } from "./data-folder.ts";
import type { ClaimSigner } from "./engine/ports.ts";
import type { BindingSigner } from "./gossip/own-binding.ts";
import {
  KEY_FAILURE_WORDS,
  type KeyFailure,
  openKeystore,
  readKeystoreFile,
  readPasswordFile,
} from "./keys/keystore-file.ts";
import { NodeError } from "./node-error.ts";
import { readSecretFile, unusable } from "./secret-file.ts";
import { createSigner } from "./signer/local-signer.ts";
import { adviceOn, openProtection } from "./signer/open-protection.ts";
import { keepPlace } from "./signer/place.ts";
import type { ProtectionIdentity, RecordOrigin } from "./signer/protection.ts";
import { connectSigner } from "./signer/remote-signer.ts";
import type { Signer } from "./signer/signer.ts";
import type { SignerAbout } from "./signer/signer-wire.ts";

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
const PASSWORD_NAME = "keystore's password";
const TOKEN_NAME = "signer's token";

/**
 * Opens an operator's signer: its key and signing record here, or another process that has them.
 * Throws a NodeError that says what is missing.
 */
export async function openOperator(
  config: OperatorConfig,
  dependencies: OperatorDependencies,
): Promise<OperatorSigner> {
  const { folder, domain, bls } = dependencies;
  const identity = { domain, operator: config.address };
  if (config.signer !== undefined) {
    const { url, tokenFile, timeoutMs } = config.signer;
    const token = await readSecretFile(tokenFile, TOKEN_NAME);
    const remote = await connectSigner({ bls, identity }, { url, token, timeoutMs });
    const { publicKey, origin, isInPlace } = remote.about;
    return createOperator(remote, {
      identity,
      publicKey,
      record: { origin, isInPlace, keepPlace: () => remote.keepPlace() },
      lastSigned: (rollupId) => remote.lastSigned(rollupId),
      stop: async () => {},
    });
  }
  const { signer, about } = await openLocalSigner(config, dependencies);
  return createOperator(signer, {
    identity,
    publicKey: about.publicKey,
    record: {
      origin: about.origin,
      isInPlace: about.isInPlace,
      keepPlace: () => keepPlace(folder),
    },
    lastSigned: async (rollupId) => (await signer.lastSigned(rollupId))?.claim ?? null,
    stop: () => signer.stop(),
  });
}

/** The signer of a key and a record here. Throws a NodeError that says what is missing. */
export async function openLocalSigner(
  config: OperatorConfig,
  { folder, domain, bls, onFatal, now }: OperatorDependencies,
): Promise<{ readonly signer: Signer; readonly about: SignerAbout }> {
  const operator = config.address;
  const secretKey = await readSecretKey(config, bls);
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
  const { origin } = protection;
  const publicKey = bls.publicKeyOf(secretKey);
  return { signer, about: { domain, operator, publicKey, origin, isInPlace } };
}

interface OperatorParts extends Pick<OperatorSigner, "record" | "stop"> {
  readonly identity: ProtectionIdentity;
  readonly publicKey: Hex;
  lastSigned(rollupId: bigint): Promise<Claim | null>;
}

function createOperator(
  signer: Pick<Signer, "sign" | "signSetUpdate" | "signPeerBinding">,
  { identity, publicKey, record, lastSigned, stop }: OperatorParts,
): OperatorSigner {
  const { operator } = identity;
  return {
    operator,
    record,
    claims: {
      publicKey,
      lastSigned,
      async sign(request) {
        const result = await signer.sign({ ...request, ...identity });
        if (!result.ok) return result;
        const { claim, uncompressed } = result.signed;
        return { ok: true, attestation: { claim, operator, signature: uncompressed } };
      },
      async signSetUpdate(request) {
        const result = await signer.signSetUpdate({ ...request, ...identity });
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
    stop,
  };
}

/** The key that a configuration names, in this process. Throws a NodeError that says what is wrong. */
export async function readSecretKey(config: OperatorConfig, bls: NativeBls): Promise<SecretKey> {
  const { keystoreFile, passwordFile, secretKeyFile } = config;
  if (keystoreFile !== undefined && passwordFile !== undefined) {
    return await readKeystore(bls, { keystoreFile, passwordFile });
  }
  if (secretKeyFile === undefined) {
    throw new NodeError("secret-key-unusable", "The configuration names no keystoreFile.");
  }
  const secretKey = bls.secretKeyFromBytes(fromHex(await readSecretFile(secretKeyFile, NAME)));
  if (secretKey === null) throw unusable(secretKeyFile, NAME, "holds no valid secret key");
  return secretKey;
}

async function readKeystore(
  bls: NativeBls,
  files: { readonly keystoreFile: string; readonly passwordFile: string },
): Promise<SecretKey> {
  const { keystoreFile, passwordFile } = files;
  const refuse = (file: string, name: string, code: KeyFailure): NodeError =>
    unusable(file, name, `${KEY_FAILURE_WORDS[code]} (${code})`);
  const read = await readKeystoreFile(keystoreFile);
  if (!read.ok) throw refuse(keystoreFile, NAME, read.code);
  const password = await readPasswordFile(passwordFile);
  if (!password.ok) throw refuse(passwordFile, PASSWORD_NAME, password.code);
  const opened = await openKeystore(bls, read.keystore, password.password);
  if (!opened.ok) throw refuse(keystoreFile, NAME, opened.code);
  return opened.secretKey;
}
