import { notification, TROUBLE_TEXT } from './owner/text.ts';
import type { NodeFile } from './node-file.ts';
import type { Snapshot } from './services/services.ts';
import type { AgentState } from './state.ts';
import type { Trouble } from './watch.ts';

const MILESTONES = [25, 50, 75] as const;

/** What the owner has not been told yet, and what they will have been told with it. Pure; the same twice says nothing twice. */
export function newsFor(
  node: NodeFile,
  told: AgentState['told'],
  { bitcoind, disk }: Snapshot,
  trouble: readonly Trouble[],
): { readonly texts: readonly string[]; readonly told: AgentState['told'] } {
  const texts: string[] = [];
  const say = (words: string, params: object): void => {
    texts.push(node.voice === 'rpc' ? notification(node, 'node.updated', params) : words);
  };
  let { percent, synced } = told;

  if (bitcoind.state === 'up' && !trouble.includes('wrong_chain')) {
    const { height, headers, progressPpm } = bitcoind;
    if (bitcoind.synced && !synced) {
      synced = true;
      percent = 100;
      say(`Synced: block ${height}. LND can have its wallet now: run lnd-init on the node.`, {
        event: 'synced',
        height,
        headers,
      });
    } else if (!bitcoind.synced) {
      const reached = MILESTONES.findLast((milestone) => progressPpm >= milestone * 10_000);
      if (reached !== undefined && reached > percent) {
        percent = reached;
        say(`${reached} % of the chain is verified: block ${height} of ${headers}.`, {
          event: 'progress',
          percent: reached,
          height,
          headers,
        });
      }
    }
  }

  for (const one of trouble.filter((name) => !told.trouble.includes(name))) {
    const left = one === 'disk_low' && disk !== null ? ` (${disk.freeMb} MB left)` : '';
    say(`Trouble: ${TROUBLE_TEXT[one]}${left}.`, { event: 'trouble', trouble: one });
  }
  const over = told.trouble.filter((name): name is Trouble => !(trouble as readonly string[]).includes(name));
  for (const one of over)
    say(`Over: it is no longer so that ${TROUBLE_TEXT[one]}.`, { event: 'trouble_over', trouble: one });

  return { texts, told: { percent, synced, trouble } };
}
