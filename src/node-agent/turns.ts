/** One thing at a time, in the order asked: what reads the state, seals and then writes it is never overtaken. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined); // its caller hears of it
    return mine;
  };
}
