/**
 * A WebSocket as the relay connections need it: a port of its own, so that a simulator can stand in for the network.
 * None of its methods throws, whatever state the socket is in.
 */
export interface RelaySocket {
  send(text: string): void;
  ping(): void;
  /** Stops reading, so that the relay has to wait; `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Lets go at once, without a closing handshake. */
  terminate(): void;
}

export interface SocketHandlers {
  onOpen(): void;
  /** One text frame, at most `MAX_FRAME_BYTES`. */
  onText(text: string): void;
  onPong(): void;
  /**
   * The last call, exactly once, whether the socket was ever open or not. `code`: RFC 6455, 1006 if there was none,
   * `OVERSIZE_CODE` when we let go because of what the relay sent.
   */
  onClose(code: number): void;
}

/** Opens a socket; every handler is called later, never from within. */
export type SocketFactory = (url: string, handlers: SocketHandlers) => RelaySocket;

/** What a stranger may make us hold. A larger frame is passed over in silence. */
export const MAX_FRAME_BYTES = 262_144;

/** No code of RFC 6455, so that no relay can say it: a frame was so large that the socket had to be cut. */
export const OVERSIZE_CODE = -1;
