import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES, PING, TEXT, type Frame } from './frames.ts';

/** As servers send it: not masked. */
function fromServer(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? [first, length]
      : length < 65_536
        ? [first, 126, length >> 8, length & 255]
        : [first, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

const textsOf = (frames: readonly Frame[]): string[] => frames.map(({ payload }) => payload.toString('utf8'));

describe('frames of a WebSocket', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536])('carry %i bytes, masked', (length) => {
    const payload = Buffer.alloc(length, 'x');
    const mask = Uint8Array.of(1, 2, 3, 255);
    const frame = encodeFrame(TEXT, payload, mask);
    const start = frame.length - length;
    expect(frame[0]).toBe(0x81);
    expect(frame[1]! & 0x80).toBe(0x80);
    expect(frame.subarray(start - 4, start)).toEqual(Buffer.from(mask));
    const unmasked = frame.subarray(start).map((byte, at) => byte ^ mask[at & 3]!);
    expect(Buffer.from(unmasked).equals(payload)).toBe(true);
    expect(textsOf(new FrameReader().read(fromServer(0x81, payload)))).toEqual([payload.toString('utf8')]);
  });

  it('come together from any pieces, control frames between the parts of a message', () => {
    const stream = Buffer.concat([
      fromServer(0x01, Buffer.from('one, ')),
      fromServer(0x89, Buffer.from('ping')),
      fromServer(0x00, Buffer.from('two, ')),
      fromServer(0x80, Buffer.from('three')),
      fromServer(0x81, Buffer.from('é'.repeat(70_000))),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const reader = new FrameReader();
        const heard: Frame[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          heard.push(...reader.read(stream.subarray(at, at + size)));
          at += size;
        }
        expect(heard.map(({ opcode }) => opcode)).toEqual([PING, TEXT, TEXT]);
        expect(textsOf(heard).slice(0, 2)).toEqual(['ping', 'one, two, three']);
        expect(heard[2]!.payload.length).toBe(140_000);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['a masked one', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 65])],
    ['reserved bits', Buffer.from([0xc1, 1, 65])],
    ['binary data', Buffer.from([0x82, 1, 65])],
    ['the middle of nothing', Buffer.from([0x80, 1, 65])],
    ['a second beginning', Buffer.concat([Buffer.from([0x01, 1, 65]), Buffer.from([0x81, 1, 65])])],
    ['a control frame in parts', Buffer.from([0x09, 1, 65])],
    ['a long control frame', fromServer(0x89, Buffer.alloc(126))],
    ['more than it may hold', fromServer(0x81, Buffer.alloc(MAX_MESSAGE_BYTES + 1)).subarray(0, 10)],
    ['a length beyond all numbers', Buffer.from([0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255])],
  ])('are refused: %s', (_, bytes) => {
    expect(() => new FrameReader().read(bytes)).toThrow(/websocket/);
  });

  it('refuses parts that together are too large', () => {
    const reader = new FrameReader();
    const part = Buffer.alloc(100_000);
    reader.read(fromServer(0x01, part));
    reader.read(fromServer(0x00, part));
    expect(() => reader.read(fromServer(0x00, part))).toThrow(/too large/);
  });
});
