/** Container images as `repository[:tag]@sha256:…`; what the tag says is for people, the digest is what runs. */
export interface NodeImages {
  readonly bitcoin: string;
  readonly lnd: string;
  readonly lnbits: string;
}

/** The last release of Knots that follows Bitcoin's chain (`docs/node.md`). */
const KNOTS = '29.3.knots20260507';

export const IMAGE =
  /^[a-z0-9][a-z0-9._/-]*(:[0-9]+\/[a-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/**
 * What is wrong with these images where real machines run them: nothing is run that is not named by its digest, and of
 * Knots nothing but the one release whose tag stands beside the digest. Empty: nothing.
 */
export function checkNodeImages(images: NodeImages, impl: 'core' | 'knots'): readonly string[] {
  const problems: string[] = [];
  for (const [program, image] of Object.entries(images) as [keyof NodeImages, string][]) {
    if (image === '') problems.push(`there is no image for ${program}`);
    else if (!IMAGE.test(image)) problems.push(`the image for ${program} is written wrongly`);
    else if (!image.includes('@sha256:')) problems.push(`the image for ${program} has no digest (@sha256:…)`);
  }
  const isKnots = images.bitcoin.includes('knots');
  if (impl === 'knots' && !images.bitcoin.includes(`:${KNOTS}@`)) {
    problems.push(`of Knots only ${KNOTS} follows Bitcoin’s chain: name it as repository:${KNOTS}@sha256:…`);
  }
  if (impl === 'core' && isKnots) problems.push('the image for bitcoin is one of Knots, the node was to run Core');
  return problems;
}
