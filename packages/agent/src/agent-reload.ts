/** How a running agent takes over a changed configuration. */
import type { AgentParts } from './agent-parts.ts';
import { driverKindOf } from './config/driver-kinds.ts';
import { toProtocolConfig } from './config/to-protocol.ts';
import { identitiesOf, tellSecrets } from './observe/key-news.ts';
import { judgeReload } from './reload.ts';

/** Take over what the file says now, or refuse it and say why in the log. */
export async function reload(agent: AgentParts): Promise<void> {
  if (agent.running === null) {
    return agent.log.tell(
      'error',
      'reload-refused',
      'still starting: send the signal again when it is ready',
    );
  }
  const { host, adapters, identity } = agent.running;
  // Whatever becomes of the file: new credentials are often why the signal is sent.
  void adapters.renewCredentials();
  const { file, version } = agent.options;
  const present = {
    ...{ config: agent.config, id: identity.id, file, state: () => host.state() },
    certificate: agent.certificates.current,
  };
  const judged = await judgeReload(await agent.load(), present);
  if (judged.kind === 'refused') {
    for (const line of judged.lines) agent.log.tell('error', 'reload-refused', line);
    return;
  }
  if (agent.ending) return;
  const { secrets, certificate, warnings } = judged;
  const config = agent.discovery?.reconfigured(judged.config) ?? judged.config;
  agent.config = config;
  agent.secrets = secrets;
  for (const warning of warnings) agent.log.tell('warn', 'configuration', warning);
  tellSecrets(agent.log, secrets);
  agent.identities = identitiesOf(config, secrets, identity.id, agent.log);
  agent.log.setLevel(config.log.level);
  if (agent.certificates.replace(certificate) && certificate !== null) agent.apis.renew(certificate);
  agent.apis.review();
  const { keyFile, webhooks } = secrets;
  adapters.reconfigure(config, keyFile.keys, agent.identities, agent.certificates.current, webhooks);
  const next = toProtocolConfig(config, identity, version);
  agent.metrics.configure(next, driverKindOf(config));
  if (config.recorder !== null) agent.recorder?.reconfigure(config.recorder);
  const disproved = agent.identities.orders.disprovedIn(host.state());
  host.post({ kind: 'configured', config: next, disproved });
}
