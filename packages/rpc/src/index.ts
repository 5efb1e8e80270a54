export { backoffMs } from "./backoff.ts";
export {
  areLogsUpTo,
  isTag,
  isUpToBlock,
  mentionsTag,
  type PinnedBlock,
  rewriteTags,
  type TaggedRequest,
  type TagPin,
  type TagRewriting,
} from "./block-tag.ts";
export { createHttpClient, createRawHttpClient } from "./http-client.ts";
export {
  isObject,
  parseJson,
  type RawRpcClient,
  type RawRpcResult,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailure,
  type RpcFailureCode,
  type RpcResult,
} from "./json-rpc.ts";
export { parseQuantity, toQuantity } from "./quantity.ts";
export { elementTexts, memberTexts } from "./raw-json.ts";
export {
  WebSocketClient,
  type WebSocketClientOptions,
  type WebSocketEvents,
} from "./web-socket-client.ts";
