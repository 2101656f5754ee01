import type { FakeDigitalOcean, FakeDroplet } from '../digital-ocean/index.ts';
import { bootRealNode, type RealNode } from './real-node.ts';
import { ScriptedNode, type NodeWires } from './scripted-node.ts';
import { nodeFileOf, readUserData } from './user-data.ts';

export type { RealNode } from './real-node.ts';
export { ScriptedNode, type NodeReport, type NodeWires } from './scripted-node.ts';
export { readUserData, type NodeFile, type ReadUserData } from './user-data.ts';

/** What becomes of a droplet that came up. */
export type NodeScript =
  /** Its agent runs, as a child process. */
  | 'real'
  /** It announces itself and delivers its credentials. */
  | 'good'
  /** It runs and says nothing to Timmy; its owner gets the credentials. */
  | 'never'
  /** As `good`, when the test calls `late`. */
  | 'late'
  /** It announces itself twice, in two messages. */
  | 'twice'
  /** It announces itself, and then a stranger does, who read its user_data. */
  | 'robbed'
  | 'wrong claim'
  | 'wrong order'
  | 'wrong attempt';

export interface NodeFarm {
  /** In the order in which their droplets came up; those of the script `real` are not among them. */
  readonly nodes: readonly { readonly droplet: FakeDroplet; readonly node: ScriptedNode }[];
  readonly real: readonly RealNode[];
  /** Scripts of the next ones, first in first out; then `good`. */
  readonly scripts: NodeScript[];
  /** Resolves when all that came up has said its first words. @throws what went wrong in one of them. */
  settled(): Promise<void>;
  /** Those that were to be late say their first words now. */
  late(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The machines behind a fake cloud: each droplet that becomes active reads its user_data as cloud-init would, by a strict
 * parser, and says what its script says. Addresses that change and droplets that vanish are the cloud's to do
 * (`moveAddress`, `destroyOutside`).
 */
export function createNodeFarm(cloud: FakeDigitalOcean, wires: NodeWires): NodeFarm {
  const nodes: { droplet: FakeDroplet; node: ScriptedNode }[] = [];
  const real: RealNode[] = [];
  const scripts: NodeScript[] = [];
  const waiting: (() => Promise<void>)[] = [];
  let speaking: Promise<void>[] = [];

  async function first(node: ScriptedNode, droplet: FakeDroplet, script: NodeScript): Promise<void> {
    const change = {
      ...(script === 'wrong claim' && { claim: 'A'.repeat(43) }),
      ...(script === 'wrong order' && { order: 'B-00000' }),
      ...(script === 'wrong attempt' && { attempt: node.file.attempt + 1 }),
    };
    if (script !== 'never') await node.announce({ ip: droplet.address, ...change });
    if (script === 'twice') await node.announce({ ip: droplet.address });
    if (script === 'robbed') await new ScriptedNode(node.file, wires).announce({ ip: droplet.address });
    await node.deliver();
  }

  cloud.onActive = (droplet) => {
    const script = scripts.shift() ?? 'good';
    try {
      const image = readUserData(droplet.userData);
      if (script === 'real') return void real.push(bootRealNode(image));
      const node = new ScriptedNode(nodeFileOf(image), wires);
      nodes.push({ droplet, node });
      if (script === 'late') waiting.push(() => first(node, droplet, 'good'));
      else speaking.push(first(node, droplet, script));
    } catch (error) {
      speaking.push(Promise.reject(error instanceof Error ? error : new Error('a node did not boot')));
    }
  };

  return {
    nodes,
    real,
    scripts,
    settled: async () => {
      const all = speaking;
      speaking = [];
      await Promise.all(all);
    },
    late: async () => {
      await Promise.all(waiting.splice(0).map((speak) => speak()));
    },
    stop: async () => {
      await Promise.all(real.splice(0).map((node) => node.stop()));
    },
  };
}
