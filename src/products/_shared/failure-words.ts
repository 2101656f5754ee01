const FAILURES: Readonly<Record<string, string>> = {
  erased: 'its text was erased',
  'model.refused': 'the model declined to answer it',
  'model.empty': 'the model gave no answer',
  'model.unavailable': 'the model could not be reached',
  'model.lost': 'its answer was lost twice',
  'model.bad_request': 'the model does not take such a request',
  'model.bad_output': 'the model did not answer as it should',
  'model.bad_usage': 'the model did not answer as it should',
};

/** Why work could not be done, for people and programs. */
export function failureMessage(code: string): string {
  return FAILURES[code] ?? 'something broke on my side';
}
