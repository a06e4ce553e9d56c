import type { MessageMappingProperties } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import { concatMap, Observable } from 'rxjs';
import type { RawData, WebSocket } from 'ws';

/** The one event of the adapter. */
export const MESSAGE = 'message';

export interface Message {
  data: RawData;
  binary: boolean;
}

/**
 * Nest's WsAdapter takes JSON of the form `{event, data}` and answers with JSON. This one hands each message to the
 * gateway as it came, and sends what the gateway returns.
 */
export class RawWsAdapter extends WsAdapter {
  override bindMessageHandlers(
    client: WebSocket,
    handlers: MessageMappingProperties[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    const handler = handlers.find(({ message }) => message === MESSAGE);
    if (!handler) return;
    new Observable<Message>((messages) => {
      client.on('message', (data, binary) => messages.next({ data, binary }));
      client.on('close', () => messages.complete());
    })
      // One after the other: the answers keep the order of the messages.
      .pipe(concatMap((message) => transform(handler.callback(message, MESSAGE)) as Observable<Message | undefined>))
      // A handler that failed returns nothing; its fault has gone to Nest's exception handler.
      .subscribe((answer) => answer && client.send(answer.data, { binary: answer.binary }));
  }
}
