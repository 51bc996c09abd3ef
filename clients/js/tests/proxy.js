/** A server between client and grud, which loses what it is told to lose. `loses(n)` says what of
 * the n-th exchange is lost with its connection: the "request", the "answer", or nothing. */
import { createServer, request } from "node:http";

export async function startProxy(port, loses) {
  const proxy = { n: 0 };
  const server = createServer((asked, answer) => {
    const lost = loses(proxy.n++);
    if (lost === "request") {
      asked.socket.destroy();
      return;
    }
    const passed = request({ port, method: asked.method, path: asked.url, headers: asked.headers },
      (from) => {
        if (lost === "answer") {
          from.resume().once("end", () => asked.socket.destroy());
          return;
        }
        answer.writeHead(from.statusCode, from.headers);
        from.pipe(answer);
      });
    asked.pipe(passed);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.close = () => new Promise((done) => {
    server.close(done);
    server.closeAllConnections();
  });
  return proxy;
}
