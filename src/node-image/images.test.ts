import { expect, it } from 'vitest';
import { nodeSpec } from '../../test/builders/node-spec.ts';
import { checkNodeImages, renderUserData } from './index.ts';

const digest = `@sha256:${'a'.repeat(64)}`;
const { images } = nodeSpec();

it('runs no image without its digest, and says which', () => {
  expect(checkNodeImages(images, 'core')).toEqual([]);
  expect(checkNodeImages({ bitcoin: 'bitcoin/bitcoin:31', lnd: '', lnbits: 'LNbits@sha256:1' }, 'core')).toEqual([
    'the image for bitcoin has no digest (@sha256:…)',
    'there is no image for lnd',
    'the image for lnbits is written wrongly',
  ]);
  expect(() => renderUserData(nodeSpec({ images: { ...images, lnd: 'lightninglabs/lnd:v0.21.1-beta' } }))).toThrow(
    'this node cannot be made: the image for lnd has no digest',
  );
});

it('takes any name for a stub, which runs none', () => {
  expect(renderUserData(nodeSpec({ images: { ...images, lnd: 'lnd:latest' } }, { stub: true }))).toContain('stub');
});

it('takes of Knots the one release that follows Bitcoin’s chain, and none where Core was bought', () => {
  const knots = (tag: string): string => `bitcoinknots/bitcoin${tag}${digest}`;
  expect(checkNodeImages({ ...images, bitcoin: knots(':29.3.knots20260507') }, 'knots')).toEqual([]);
  for (const tag of ['', ':29.3.knots20260508', ':29.4.1', ':latest', ':29.3.knots20260507-1']) {
    expect(checkNodeImages({ ...images, bitcoin: knots(tag) }, 'knots'), tag).toHaveLength(1);
  }
  expect(checkNodeImages(images, 'knots')).toHaveLength(1);
  expect(checkNodeImages({ ...images, bitcoin: knots(':29.3.knots20260507') }, 'core')).toHaveLength(1);
});
