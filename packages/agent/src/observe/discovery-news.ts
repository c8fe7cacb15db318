/** What is found of the peers, as log lines. */
import type { DiscoveryNews } from '../adapters/peer-discovery.ts';
import type { Log } from './log.ts';

/** Log what the search for the peers has come to. */
export function tellDiscovery(log: Pick<Log, 'tell'>, news: DiscoveryNews): void {
  const tell = (level: 'info' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>) =>
    log.tell(level, 'discovery', text, fields);
  switch (news.kind) {
    case 'found': {
      const { peer, instanceId, address, before } = news;
      const moved = before === null ? '' : `, and was at ${before}`;
      return tell('info', `${peer} is at ${address} (${instanceId})${moved}`, { peer, instanceId, address });
    }
    case 'absent':
      return tell('warn', `no running instance is ${news.peer}, by its tag: it can't be spoken to`, {
        peer: news.peer,
      });
    case 'contested': {
      const { peer, instanceIds } = news;
      const text = `several running instances are ${peer}, by their tags: none is believed, and the address that was known stays: ${instanceIds.join(', ')}`;
      return tell('error', text, { peer, instanceIds });
    }
    case 'stranger':
      return tell(
        'warn',
        `${news.instanceId} is ${news.node}, by its tag, which is not configured: ignored`,
        {
          instanceId: news.instanceId,
        },
      );
    case 'failing':
      return news.failure === null
        ? tell('info', 'EC2 says again where the peers are', {})
        : tell(
            'error',
            `EC2 doesn't say where the peers are: ${news.failure.code}: ${news.failure.message}`,
            {
              code: news.failure.code,
            },
          );
  }
}
