import type { Texts } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import { failure, RPC_ERROR } from '../messaging/dialects/jsonrpc/index.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';

const STUMBLED =
  'Something broke on my side, so I cannot do what you asked. Your money is where it was; a person looks at it.';

/** Answers a request whose task was set aside: nobody waits for ever. The operator is told by the worker. */
export function tellStumbled(options: { readonly texts: Texts; readonly clock: Clock }, tx: Tx, inboxId: number): void {
  const { texts, clock } = options;
  const now = clock.now();
  const message = loadInbound(tx, inboxId);
  if (message.dialect === 'rpc') {
    const text = failure(message.rpcId, RPC_ERROR.internal, STUMBLED);
    return answerRpc(tx, texts, message, text, { replayable: false }, now);
  }
  enqueue(tx, texts, { to: message.sender, text: STUMBLED, answering: message }, now);
}
