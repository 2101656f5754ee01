/** Words, understood: from what a person typed to what it means. */
export {
  anyOf,
  destination,
  freeText,
  hex32,
  nothing,
  one,
  onOff,
  optional,
  optionalText,
  shortId,
  wholeNumber,
  type Argument,
  type ArgumentParser,
} from './arguments.ts';
export { parseDestination, type TypedDestination } from './destination.ts';
export { parseWords, usageAsked, word, type ParsedWord, type Word } from './grammar.ts';
export { hasLink, hasSecretKey, isMediaOnly } from './links.ts';
export { tidy } from './tidy.ts';
export { understandText, type Understanding, type Understood } from './understand.ts';
