/** The multiaddrs on which peers are reached: TCP, on an address or a name, with or without an id. */
export const MULTIADDR: {
  readonly shape: RegExp;
  readonly takes: string;
  readonly max: number;
} = {
  shape: /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/p2p\/[1-9A-HJ-NP-Za-km-z]+)?$/,
  takes: "a multiaddr such as /ip4/192.0.2.1/tcp/4600",
  max: 64,
};
