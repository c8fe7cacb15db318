/** Which network interface the addresses come to, as `failtome check` shows it. */
import { answerOf, type NetworkCard, type OwnSpec, outputOf, ownCallOf, ownCardIn } from '@failtome/ports';
import type { AwsClients, CallContext } from './aws-clients.ts';
import { sendAll } from './aws-driver.ts';
import { type CheckLine, fail, failed, ok } from './preflight-fix.ts';

const NAME = 'network interface';

/** The line, and the interface where there is one. */
export interface CardCheck {
  readonly card: NetworkCard | null;
  readonly line: CheckLine;
}

/** Ask EC2 for it. */
export async function preflightCard(
  clients: AwsClients,
  spec: OwnSpec,
  context: CallContext,
): Promise<CardCheck> {
  const [outcome] = await sendAll(clients, [ownCallOf(spec)], context);
  const failure = answerOf(outcome);
  const permission = { action: 'ec2:DescribeNetworkInterfaces', resources: ['*'] };
  if (failure !== null) return { card: null, line: failed(NAME, failure, permission) };
  const shown = outputOf(outcome, 'interfaces');
  const own = ownCardIn(shown.kind === 'ok' ? shown.output.interfaces : [], spec);
  switch (own.kind) {
    case 'card':
      return { card: own.card, line: cardLine(own.card, spec.instanceId) };
    case 'unresolved': {
      const fix =
        'Set driver.networkInterfaceId, or leave it out; see that driver.instanceId and driver.region are those of this instance.';
      const found = `${spec.networkInterfaceId ?? spec.instanceId} has none that EC2 shows`;
      return { card: null, line: fail(NAME, found, fix) };
    }
    case 'impossible': {
      const fix = `Set driver.networkInterfaceId, or FAILTOME_NETWORK_INTERFACE_ID, to the one that the addresses are to come to.`;
      return { card: null, line: fail(NAME, own.failure.message, fix) };
    }
  }
}

/** One of another instance would bring the addresses there. */
function cardLine(card: NetworkCard, instanceId: string): CheckLine {
  const found = `${card.networkInterfaceId} in ${card.subnetId}`;
  if (card.instanceId === instanceId) return ok(NAME, found);
  const whose = card.instanceId === null ? 'belongs to no instance' : `belongs to ${card.instanceId}`;
  return fail(
    NAME,
    `${found} ${whose}, not to ${instanceId}`,
    'Set driver.networkInterfaceId to one of this instance.',
  );
}
