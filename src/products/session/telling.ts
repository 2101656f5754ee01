/** Of a growing answer the first part goes out soon, the next ones are longer. Characters. */
const FIRST_PART = 1200;
const NEXT_PART = 2000;
/** Then the rest comes at once, at the end. */
const MAX_PARTS = 8;

/**
 * Hears a long answer while it is being written, and tells it in parts, each up to the end of a paragraph. What is
 * short is told at its end, whole.
 *
 * @param tell `said`: so many characters of the whole have been told with this part.
 * @param alreadySaid characters that an earlier try told.
 */
export function partTeller(
  tell: (part: string, said: number, textSoFar: string) => void,
  alreadySaid: number,
): (textSoFar: string) => void {
  let said = alreadySaid;
  let parts = 0;
  return (textSoFar) => {
    if (parts >= MAX_PARTS) return;
    const end = textSoFar.lastIndexOf('\n\n');
    if (end - said < (said === 0 ? FIRST_PART : NEXT_PART)) return;
    const part = textSoFar.slice(said, end).trim();
    [said, parts] = [end, parts + 1];
    if (part !== '') tell(part, said, textSoFar.slice(0, said));
  };
}
