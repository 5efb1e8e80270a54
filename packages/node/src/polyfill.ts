/*
 * Node 20 has no Promise.withResolvers, and libp2p's queues and streams call it. Every entry file
 * of a process imports this file before anything else.
 */
if (typeof Promise.withResolvers !== "function") {
  Object.defineProperty(Promise, "withResolvers", {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor): PromiseWithResolvers<T> {
      let resolve: PromiseWithResolvers<T>["resolve"] = () => {};
      let reject: PromiseWithResolvers<T>["reject"] = () => {};
      const promise = new this<T>((onResolve, onReject) => {
        resolve = onResolve;
        reject = onReject;
      });
      return { promise, resolve, reject };
    },
  });
}

export {};
