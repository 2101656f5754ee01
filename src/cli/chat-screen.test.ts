import { expect, it } from 'vitest';
import { PROMPT, promptAfter } from './chat-screen.ts';

it('the prompt of a session says what the last answer cost and what is left, until it is over', () => {
  const heard = [
    'J-4KQ7M. 10 sats now for a look, kept if I decline.',
    'Paid. S-4KQ7M is open: 500 sats, about 3 questions at 129 sats.',
    'The sky is blue.\n\n128 sats, 372 left.',
    'Still working on it. Nothing for you to do.',
    'I decline that: no. 1 sats, 371 left.',
    'Paid. S-4KQ7M has 872 sats, about 6 questions at 129 sats.',
    'S-4KQ7M is closed. 872 sats are yours.',
  ];
  const prompts: string[] = [];
  for (const text of heard) prompts.push(promptAfter(text, prompts.at(-1) ?? PROMPT));
  expect(prompts).toEqual([
    '> ',
    '500 sats > ',
    '128 sats, 372 left > ',
    '128 sats, 372 left > ',
    '1 sats, 371 left > ',
    '872 sats > ',
    '> ',
  ]);
});
