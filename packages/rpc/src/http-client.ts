import { createHttpExchange } from "./http-exchange.ts";
import {
  parseJson,
  parseRawResponse,
  parseResponse,
  type RawRpcClient,
  type RpcClient,
  type RpcClientOptions,
  rawRequestText,
  requestText,
} from "./json-rpc.ts";

/**
 * JSON-RPC over HTTP with kept-alive connections. It has an agent of its own, where the global
 * fetch has none that can be closed: `close` leaves no socket behind. Redirects are not followed.
 * Throws where `url` is no http or https URL.
 */
export function createHttpClient(options: RpcClientOptions): RpcClient {
  const exchange = createHttpExchange(options);
  let nextId = 1;
  return {
    call(method, params) {
      const id = nextId++;
      return exchange.post(
        () => requestText(id, method, params),
        (text, isNewConnection) => {
          const result = parseResponse(parseJson(text), id);
          return result.ok && isNewConnection ? { ...result, newConnection: true } : result;
        },
      );
    },
    close: () => exchange.close(),
  };
}

/** The same for who passes calls on: params go and results come as the texts that they are. */
export function createRawHttpClient(options: RpcClientOptions): RawRpcClient {
  const exchange = createHttpExchange(options);
  let nextId = 1;
  return {
    call(method, params) {
      const id = nextId++;
      return exchange.post(
        () => rawRequestText(id, method, params),
        (text) => parseRawResponse(text, id),
      );
    },
    close: () => exchange.close(),
  };
}
