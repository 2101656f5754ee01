/** Frames of RFC 6455, from the client's side. Pure. */
export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
const CONTINUATION = 0;

/** As large as a frame with the largest event that we read (`nostr/verify.ts`). Bytes, for a whole message. */
export const MAX_MESSAGE_BYTES = 262_144;

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A whole frame as clients send it: masked with `mask` (4 random bytes). */
export function encodeFrame(opcode: number, payload: Buffer, mask: Uint8Array): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  const masked = Buffer.from(payload);
  for (let at = 0; at < length; at++) masked[at]! ^= mask[at & 3]!;
  return Buffer.concat([head, mask, masked]);
}

/** Puts bytes together to frames, and frames to messages. Holds at most one message and what the socket read with it. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #partsBytes = 0;

  /** @returns the whole messages and control frames that `chunk` completes. @throws Error on what no server may send. */
  read(chunk: Buffer): Frame[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const whole: Frame[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) {
      const message = this.#join(frame);
      if (message !== null) whole.push(message);
    }
    return whole;
  }

  #next(): (Frame & { readonly final: boolean }) | null {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const first = bytes[0]!;
    const short = bytes[1]! & 0x7f;
    if ((first & 0x70) !== 0) throw new Error('websocket: reserved bits');
    if ((bytes[1]! & 0x80) !== 0) throw new Error('websocket: a server masks nothing');
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (length > MAX_MESSAGE_BYTES) throw new Error('websocket: too large');
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    if (opcode >= CLOSE && (!final || length > 125)) throw new Error('websocket: bad control frame');
    if (bytes.length < start + length) return null;
    this.#bytes = bytes.subarray(start + length);
    return { opcode, final, payload: bytes.subarray(start, start + length) };
  }

  #join({ opcode, final, payload }: Frame & { readonly final: boolean }): Frame | null {
    if (opcode >= CLOSE) return { opcode, payload };
    const isBegun = this.#parts.length > 0;
    if ((opcode === CONTINUATION) !== isBegun) throw new Error('websocket: frames out of order');
    if (opcode !== CONTINUATION && opcode !== TEXT) throw new Error('websocket: not text');
    if (final && !isBegun) return { opcode: TEXT, payload };
    this.#parts.push(Buffer.from(payload));
    this.#partsBytes += payload.length;
    if (this.#partsBytes > MAX_MESSAGE_BYTES || this.#parts.length > 1_024) throw new Error('websocket: too large');
    if (!final) return null;
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partsBytes = 0;
    return { opcode: TEXT, payload: whole };
  }
}
