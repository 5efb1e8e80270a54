import type { NativeBls, SecretKey } from "@mach/bls";
import { type Claim, type Domain, fromHex, type Hex, type SignedPeerBinding } from "@mach/core";
import type { OperatorConfig } from "./config.ts";
import type { DataFolder } from "./data-folder.ts";
import type { ClaimSigner } from "./engine/ports.ts";
import type { BindingSigner } from "./gossip/own-binding.ts";
import { type KeyRing, openKeyRing } from "./keys/key-ring.ts";
import {
  KEY_FAILURE_WORDS,
  type KeyFailure,
  openKeystore,
  readKeystoreFile,
  readPasswordFile,
} from "./keys/keystore-file.ts";
import { NodeError } from "./node-error.ts";
import { isMissing, readSecretFile, unusable } from "./secret-file.ts";
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
  readonly bindings: Pick<BindingSigner, "signPeerBinding">;
  stop(): Promise<void>;
}

export interface OperatorDependencies {
  readonly folder: DataFolder;
  readonly domain: Domain;
  readonly bls: NativeBls;
  readonly onFatal: (error: unknown) => void;
  /** Told what keeps the operator's next key from being opened. */
  readonly onKeyFault: (error: unknown) => void;
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
    const { origin, isInPlace } = remote.about;
    return createOperator(remote, {
      identity,
      holds: (publicKey) => remote.holds(publicKey),
      record: { origin, isInPlace, keepPlace: () => remote.keepPlace() },
      lastSigned: (rollupId) => remote.lastSigned(rollupId),
      stop: async () => {},
    });
  }
  const { signer, about, keys } = await openLocalSigner(config, dependencies);
  return createOperator(signer, {
    identity,
    holds: (publicKey) => keys.holds(publicKey),
    record: {
      origin: about.origin,
      isInPlace: about.isInPlace,
      keepPlace: () => keepPlace(folder),
    },
    lastSigned: async (rollupId) => (await signer.lastSigned(rollupId))?.claim ?? null,
    stop: () => signer.stop(),
  });
}

/** The signer of the keys and a record here. Throws a NodeError that says what is missing. */
export async function openLocalSigner(
  config: OperatorConfig,
  { folder, domain, bls, onFatal, onKeyFault, now }: OperatorDependencies,
): Promise<{ readonly signer: Signer; readonly about: SignerAbout; readonly keys: KeyRing }> {
  const operator = config.address;
  const keys = await openKeyRing(await readSecretKey(config, bls), {
    ...{ bls, onFault: onKeyFault, now },
    readNext: () => readNextKey(config, bls),
  });
  const opened = await openProtection(folder, { domain, operator });
  if (!opened.ok) {
    throw new NodeError(
      "protection-unusable",
      `The signing record in ${folder.path} cannot be used (${opened.code}). ` +
        adviceOn(opened.code),
    );
  }
  const { protection, isInPlace } = opened;
  const signer = createSigner(
    { protection, key: keys, bls, onFatal, now },
    { maxAheadBlocks: MAX_AHEAD_BLOCKS, maxQueued: MAX_QUEUED },
  );
  const { origin } = protection;
  const { publicKey } = keys;
  return { signer, about: { domain, operator, publicKey, origin, isInPlace }, keys };
}

interface OperatorParts extends Pick<OperatorSigner, "record" | "stop"> {
  readonly identity: ProtectionIdentity;
  holds(publicKey: Hex): Promise<boolean>;
  lastSigned(rollupId: bigint): Promise<Claim | null>;
}

function createOperator(
  signer: Pick<Signer, "sign" | "signSetUpdate" | "signPeerBinding">,
  { identity, holds, record, lastSigned, stop }: OperatorParts,
): OperatorSigner {
  const { operator } = identity;
  return {
    operator,
    record,
    claims: {
      holds,
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

/** A key of the operator's, where a configuration says that it is. */
type KeyFiles = Pick<OperatorConfig, "keystoreFile" | "passwordFile" | "secretKeyFile">;

/**
 * The key that the operator's keys change to, in this process; null where the configuration names
 * none, and while its file is not there. Throws a NodeError that says what is wrong with it.
 */
export async function readNextKey(
  { nextKey }: OperatorConfig,
  bls: NativeBls,
): Promise<SecretKey | null> {
  const file = nextKey?.keystoreFile ?? nextKey?.secretKeyFile;
  if (nextKey === undefined || file === undefined || (await isMissing(file))) return null;
  return await readSecretKey(nextKey, bls);
}

/** The key that a configuration names, in this process. Throws a NodeError that says what is wrong. */
export async function readSecretKey(config: KeyFiles, bls: NativeBls): Promise<SecretKey> {
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
