// The same workflows as a Restate service.
Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((a, b) => { resolve = a; reject = b; });
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");

const peer = restate.service({
  name: "peer",
  handlers: {
    ten: async (ctx) => {
      for (let n = 0; n < 10; n++) await ctx.run(`step ${n}`, () => n);
    },
    empty: async () => null,
  },
});
await restate.endpoint().bind(peer).listen(9080);
