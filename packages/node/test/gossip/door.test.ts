import { describe, expect, it } from "vitest";
import { type ArrivingConnection, createDoor, type DoorOptions } from "../../src/gossip/door.ts";

const OPTIONS: DoorOptions = {
  capacity: 3,
  bannedPeersPerAddress: 2,
  forgivenMs: 60_000,
  banMs: 600_000,
  maxAddresses: 8,
  now: () => 0,
  onEvicted: () => undefined,
};

function arrival(address: string) {
  const events = new EventTarget();
  const state = { isClosed: false };
  const connection: ArrivingConnection = {
    remoteAddr: { toString: () => address },
    addEventListener: (...args: Parameters<EventTarget["addEventListener"]>) =>
      events.addEventListener(...args),
    abort(): void {
      state.isClosed = true;
      events.dispatchEvent(new Event("close"));
    },
  };
  return { connection, state, close: () => connection.abort(new Error("gone")) };
}

describe("the door", () => {
  it("makes room in a full lobby at the cost of the address that has most there", () => {
    const evicted: number[] = [];
    const door = createDoor({ ...OPTIONS, onEvicted: () => evicted.push(1) });
    const honest = arrival("/ip4/192.0.2.1/tcp/1");
    const flood = [1, 2, 3, 4].map((port) => arrival(`/ip4/198.51.100.9/tcp/${port}`));
    for (const each of [flood[0], honest, ...flood.slice(1)]) {
      expect(each !== undefined && door.admit(each.connection)).toBe(true);
    }
    expect(flood.map(({ state }) => state.isClosed)).toEqual([true, true, false, false]);
    expect(honest.state.isClosed).toBe(false);
    expect([door.size(), evicted.length]).toEqual([3, 2]);
  });

  it("lets whoever said hello out of the lobby, and whoever has gone", () => {
    const door = createDoor(OPTIONS);
    const [greeted, gone] = [arrival("/ip4/192.0.2.1/tcp/1"), arrival("/ip4/192.0.2.2/tcp/1")];
    door.admit(greeted.connection);
    door.admit(gone.connection);
    door.onGreeted("/ip4/192.0.2.1/tcp/1/p2p/12D3KooWpeer");
    expect(door.size()).toBe(1);
    gone.close();
    expect(door.size()).toBe(0);
    for (const port of [1, 2, 3]) door.admit(arrival(`/ip4/192.0.2.3/tcp/${port}`).connection);
    expect(greeted.state.isClosed).toBe(false);
  });

  it("bans an address with too many banned peers, for its time, but for a try a second", () => {
    let now = 0;
    const door = createDoor({ ...OPTIONS, now: () => now });
    const address = "/ip4/198.51.100.9/tcp/1";
    expect([door.onBanned(address), door.isBanned(address)]).toEqual([false, false]);
    expect([door.onBanned(address), door.isBanned(address)]).toEqual([true, true]);
    const admitted = (): boolean => door.admit(arrival(address).connection);
    expect([1, 2, 3, 4, 5, 6].map(admitted)).toEqual([true, true, true, true, false, false]);
    now = 1_000;
    expect([admitted(), admitted()]).toEqual([true, false]);
    expect(door.isBanned("/ip4/198.51.100.10/tcp/1")).toBe(false);
    now = 600_001;
    expect(door.isBanned(address)).toBe(false);
  });

  it("takes the network of an IPv6 address for one, and bans no loopback address", () => {
    const door = createDoor({ ...OPTIONS, bannedPeersPerAddress: 1 });
    expect(door.onBanned("/ip6/2001:db8::5/tcp/1")).toBe(true);
    expect(door.isBanned("/ip6/2001:db8:0:0:7::1/tcp/9")).toBe(true);
    expect(door.isBanned("/ip6/2001:db8:0:1::5/tcp/1")).toBe(false);
    for (const address of ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]) {
      expect([door.onBanned(address), door.isBanned(address)]).toEqual([false, false]);
    }
  });
});
