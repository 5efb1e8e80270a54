export { backoffMs } from "./backoff.ts";
export { createHttpClient } from "./http-client.ts";
export {
  isObject,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailure,
  type RpcFailureCode,
  type RpcResult,
} from "./json-rpc.ts";
export {
  WebSocketClient,
  type WebSocketClientOptions,
  type WebSocketEvents,
} from "./web-socket-client.ts";
