import type { BeforeApplicationShutdown } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'ws';

import { type Message, MESSAGE } from './raw-ws.adapter.js';

const MAX_MESSAGE_BYTES = 1024 * 1024;
const GOING_AWAY = 1001;

/** Sends every message back, as text or binary as it came. */
@WebSocketGateway({ path: '/ws', maxPayload: MAX_MESSAGE_BYTES })
export class EchoGateway implements BeforeApplicationShutdown {
  @WebSocketServer()
  private readonly server: Server;

  @SubscribeMessage(MESSAGE)
  echo(@MessageBody() message: Message): Message {
    return message;
  }

  beforeApplicationShutdown(): void {
    for (const client of this.server.clients) client.close(GOING_AWAY);
  }
}
