import { WebSocketServer } from 'ws';

const MAX_MESSAGE_BYTES = 1024 * 1024;
const GOING_AWAY = 1001;

/** Sends every message back, as text or binary as it came. */
export function serveWebSocket(server) {
  const sockets = new WebSocketServer({ server, path: '/ws', maxPayload: MAX_MESSAGE_BYTES });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    // ws closes the connection by itself; without a listener a client's fault would end the process.
    socket.on('error', () => {});
  });

  return {
    /** Says goodbye to all clients, and cuts off those that have not answered within `ms`. */
    close(ms) {
      for (const socket of sockets.clients) socket.close(GOING_AWAY);
      setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, ms).unref();
    },
  };
}
