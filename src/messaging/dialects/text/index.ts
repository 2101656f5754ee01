/** Words, understood: from what a person typed to what it means. */
export {
  anyOf,
  destination,
  freeText,
  hex32,
  isNumberLike,
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
export type { ParsedWord, Word } from './grammar.ts';
export { hasLink } from './links.ts';
export { understandText, type Understanding, type Understood } from './understand.ts';
