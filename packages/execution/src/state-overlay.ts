import { RLP } from "@ethereumjs/rlp";
import { bigIntToUnpaddedBytes, bytesToBigInt } from "@ethereumjs/util";
import { toHex } from "@mach/core";
import type { Ghosts } from "./block-input.ts";
import { keccak, mapKey } from "./keccak.ts";
import { EMPTY_ROOT, MissingPreimageError, PartialTrie, type ReadPreimage } from "./trie.ts";
import type { Missing } from "./verdict.ts";

export const EMPTY_CODE_HASH: Uint8Array = keccak(new Uint8Array());
const EMPTY_CODE_KEY = mapKey(EMPTY_CODE_HASH);
const ZERO = new Uint8Array();
const NOTHING: AccountState = { nonce: 0n, balance: 0n, codeHash: EMPTY_CODE_HASH };

export interface AccountState {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Uint8Array;
}

/** An account as the parent's state has it. */
interface BaseAccount extends AccountState {
  readonly storageRoot: Uint8Array;
}

interface Storage {
  /** Whether the account began anew in this block: what was not written is then zero. */
  readonly isNew: boolean;
  readonly slots: Map<string, Uint8Array>;
}

/**
 * What a block has written, over what the parent's state holds. Keys are hexadecimal digits, of an
 * address or a slot. A read is found, proven absent by the nodes on the way, or a
 * MissingPreimageError. Writes stay in maps with an undo log, and enter the tries once, when the
 * root is asked for.
 */
export class StateOverlay {
  readonly #read: ReadPreimage;
  readonly #trie: PartialTrie;
  readonly #hashedKeys = new Map<string, Uint8Array>();
  readonly #baseAccounts = new Map<string, BaseAccount | null>();
  readonly #baseSlots = new Map<string, Map<string, Uint8Array>>();
  readonly #storageTries = new Map<string, PartialTrie>();
  readonly #accounts = new Map<string, AccountState | null>();
  readonly #storages = new Map<string, Storage>();
  readonly #code = new Map<string, Uint8Array>();
  readonly #missed = new Map<string, Missing>();
  readonly #ghostAccounts = new Set<string>();
  readonly #ghostSlots = new Map<string, Set<string>>();
  /** Values at the start of the transaction, of the slots that it has written. */
  readonly #originals = new Map<string, Map<string, Uint8Array>>();
  readonly #undo: (() => void)[] = [];
  readonly #checkpoints: number[] = [];

  constructor(stateRoot: Uint8Array, read: ReadPreimage) {
    this.#read = read;
    this.#trie = new PartialTrie(stateRoot, read);
  }

  /** What was asked for and is not at hand; once there is something here no result counts. */
  missing(): readonly Missing[] {
    return [...this.#missed.values()];
  }

  account(address: string): AccountState | null {
    const written = this.#accounts.get(address);
    return written === undefined ? this.#baseAccount(address) : written;
  }

  writeAccount(address: string, account: AccountState | null): void {
    const before = this.#accounts.get(address);
    this.#undo.push(() => restore(this.#accounts, address, before));
    this.#accounts.set(address, account);
  }

  /** Drops what was written of an account: it stays as the parent has it. */
  forgetAccount(address: string): void {
    this.#accounts.delete(address);
  }

  /** The root of an account's storage before the block, or of none for one that began anew. */
  storageRootBefore(address: string): Uint8Array {
    if (this.#storages.get(address)?.isNew === true) return EMPTY_ROOT;
    return this.#baseAccount(address)?.storageRoot ?? EMPTY_ROOT;
  }

  code(address: string): Uint8Array {
    const codeHash = this.account(address)?.codeHash ?? EMPTY_CODE_HASH;
    const key = mapKey(codeHash);
    if (key === EMPTY_CODE_KEY) return ZERO;
    const code = this.#code.get(key) ?? this.#read(codeHash);
    if (code !== null) {
      this.#code.set(key, code);
      return code;
    }
    const hash = toHex(codeHash);
    return this.#strictly(() => {
      const account = `0x${address}` as const;
      throw new MissingPreimageError({ kind: "code", hash, account, path: "", key: null });
    });
  }

  /** Keeps code that the block has made; its hash goes into the account. */
  keepCode(code: Uint8Array): Uint8Array {
    const codeHash = code.length === 0 ? EMPTY_CODE_HASH : keccak(code);
    this.#code.set(mapKey(codeHash), code);
    return codeHash;
  }

  /** Without leading zeros; empty for zero. */
  slot(address: string, slot: string): Uint8Array {
    const storage = this.#storages.get(address);
    const written = storage?.slots.get(slot);
    if (written !== undefined) return written;
    return storage?.isNew ? ZERO : this.#baseSlot(address, slot);
  }

  originalSlot(address: string, slot: string): Uint8Array {
    return this.#originals.get(address)?.get(slot) ?? this.slot(address, slot);
  }

  forgetOriginals(): void {
    this.#originals.clear();
  }

  writeSlot(address: string, slot: string, value: Uint8Array): void {
    const before = this.slot(address, slot);
    const original = entryOf(this.#originals, address, newSlots);
    if (!original.has(slot)) original.set(slot, before);
    const { slots } = entryOf(this.#storages, address, unwritten);
    const written = slots.get(slot);
    this.#undo.push(() => restore(slots, slot, written));
    slots.set(slot, value);
  }

  clearStorage(address: string): void {
    const before = this.#storages.get(address);
    this.#undo.push(() => restore(this.#storages, address, before));
    this.#storages.set(address, { isNew: true, slots: newSlots() });
  }

  checkpoint(): void {
    this.#checkpoints.push(this.#undo.length);
  }

  commit(): void {
    this.#checkpoints.pop();
    if (this.#checkpoints.length === 0) this.#undo.length = 0;
  }

  revert(): void {
    const length = this.#checkpoints.pop() ?? 0;
    while (this.#undo.length > length) this.#undo.pop()?.();
  }

  /**
   * The root of the state as it stands. Throws a MissingPreimageError; `missing` then tells of
   * every node that the deletions lack, so that one request can ask for all of them.
   */
  root(): Uint8Array {
    const removed: string[] = [];
    const written = new Set([...this.#accounts.keys(), ...this.#storages.keys()]);
    inTurn([...written], (address) => {
      const base = this.#baseAccount(address);
      const current = this.account(address);
      if (current === null) {
        if (base !== null) removed.push(address);
        return;
      }
      const encoded = encodeAccount(current, this.storageRoot(address));
      if (base !== null && isSame(encoded, encodeAccount(base, base.storageRoot))) return;
      this.#strictly(() => this.#trie.set(this.#hashedKey(address), encoded));
    });
    this.#removeAll(this.#trie, removed);
    return this.#trie.root();
  }

  /** Whether the state before the block holds an account though it is empty. */
  holdsEmpty(address: string): boolean {
    const account = this.#baseAccount(address);
    return account !== null && isEmpty(account);
  }

  /** Whether the state before the block holds a slot though it is zero. */
  holdsZero(address: string, slot: string): boolean {
    const value = this.#storageTrie(address).get(this.#hashedKey(slot));
    return value !== null && decodeSlot(value).length === 0;
  }

  /** Lets the tries hold empty accounts and zero slots, as anvil's do; see Ghosts. */
  addGhosts({ accounts, slots }: Ghosts): void {
    for (const address of accounts) {
      const key = address.slice(2);
      const account = this.account(key) ?? NOTHING;
      if (!isEmpty(account)) continue;
      this.#ghostAccounts.add(key);
      this.writeAccount(key, account);
    }
    for (const { account, slot } of slots) {
      const key = account.slice(2);
      if (this.slot(key, slot.slice(2)).length > 0) continue;
      this.writeSlot(key, slot.slice(2), ZERO);
      entryOf(this.#ghostSlots, key, () => new Set()).add(slot.slice(2));
    }
  }

  /** The root of an account's storage as it stands. Throws a MissingPreimageError. */
  storageRoot(address: string): Uint8Array {
    const storage = this.#storages.get(address);
    if (storage === undefined) return this.storageRootBefore(address);
    const { isNew, slots } = storage;
    const trie = isNew ? new PartialTrie(EMPTY_ROOT, this.#read) : this.#storageTrie(address);
    const removed: string[] = [];
    const ghosts = this.#ghostSlots.get(address);
    for (const [slot, value] of slots) {
      const isGhost = ghosts?.has(slot) === true;
      if (!isNew && !isGhost && isSame(value, this.#baseSlot(address, slot))) continue;
      if (value.length === 0 && !isGhost) removed.push(slot);
      else this.#strictly(() => trie.set(this.#hashedKey(slot), RLP.encode(value)));
    }
    this.#removeAll(trie, removed);
    return trie.root();
  }

  #removeAll(trie: PartialTrie, keys: readonly string[]): void {
    inTurn(keys, (key) => this.#strictly(() => trie.remove(this.#hashedKey(key))));
  }

  #strictly<T>(work: () => T, key: string | null = null): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof MissingPreimageError && !this.#missed.has(error.missing.hash)) {
        const { missing } = error;
        this.#missed.set(missing.hash, key === null ? missing : { ...missing, key: `0x${key}` });
      }
      throw error;
    }
  }

  #hashedKey(key: string): Uint8Array {
    return entryOf(this.#hashedKeys, key, () => keccak(Buffer.from(key, "hex")));
  }

  #baseAccount(address: string): BaseAccount | null {
    return entryOf(this.#baseAccounts, address, () =>
      this.#strictly(() => decodeAccount(this.#trie.get(this.#hashedKey(address))), address),
    );
  }

  #baseSlot(address: string, slot: string): Uint8Array {
    return entryOf(entryOf(this.#baseSlots, address, newSlots), slot, () =>
      this.#strictly(() => decodeSlot(this.#storageTrie(address).get(this.#hashedKey(slot))), slot),
    );
  }

  #storageTrie(address: string): PartialTrie {
    return entryOf(this.#storageTries, address, () => {
      const root = this.#baseAccount(address)?.storageRoot ?? EMPTY_ROOT;
      return new PartialTrie(root, this.#read, `0x${address}`);
    });
  }
}

/** Does all the work before the first failure counts. */
function inTurn(keys: readonly string[], work: (key: string) => void): void {
  let failure: MissingPreimageError | null = null;
  for (const key of keys) {
    try {
      work(key);
    } catch (error) {
      if (!(error instanceof MissingPreimageError)) throw error;
      failure = error;
    }
  }
  if (failure !== null) throw failure;
}

function isEmpty({ nonce, balance, codeHash }: AccountState): boolean {
  return nonce === 0n && balance === 0n && isSame(codeHash, EMPTY_CODE_HASH);
}

function newSlots(): Map<string, Uint8Array> {
  return new Map();
}

function unwritten(): Storage {
  return { isNew: false, slots: newSlots() };
}

function entryOf<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

function restore<T>(map: Map<string, T>, key: string, before: T | undefined): void {
  if (before === undefined) map.delete(key);
  else map.set(key, before);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function decodeAccount(bytes: Uint8Array | null): BaseAccount | null {
  if (bytes === null) return null;
  const [nonce, balance, storageRoot, codeHash] = RLP.decode(bytes) as Uint8Array[];
  if (nonce === undefined || balance === undefined) throw new Error("no account");
  if (storageRoot?.length !== 32 || codeHash?.length !== 32) throw new Error("no account");
  return { nonce: bytesToBigInt(nonce), balance: bytesToBigInt(balance), storageRoot, codeHash };
}

function encodeAccount(account: AccountState, storageRoot: Uint8Array): Uint8Array {
  const { nonce, balance, codeHash } = account;
  const [first, second] = [bigIntToUnpaddedBytes(nonce), bigIntToUnpaddedBytes(balance)];
  return RLP.encode([first, second, storageRoot, codeHash]);
}

function decodeSlot(bytes: Uint8Array | null): Uint8Array {
  return bytes === null ? ZERO : (RLP.decode(bytes) as Uint8Array);
}
