import { createSnsNotifier } from '../../packages/agent/src/adapters/sns.ts';
import { createAws } from '../../packages/cloud/src/model/index.ts';
import { SimulatedCloud } from '../../packages/sim/src/world/cloud.ts';
import type { Detail } from '../../packages/sim/src/world/details.ts';
import { createDriver } from '../../packages/sim/src/world/drivers.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import { Subscribers } from '../../packages/sim/src/world/subscribers.ts';
import { openAws, TOPIC } from '../drivers/aws-world.ts';
import { describeNotifier, type NotifierWorld } from './notifier-contract.ts';

async function openSns(): Promise<NotifierWorld> {
  const { cloud, clients, close } = await openAws();
  return {
    publish: (effect) =>
      new Promise((resolve, reject) => {
        const notifier = createSnsNotifier(
          { topicArn: TOPIC },
          {
            clients,
            post: (event) =>
              event.kind === 'published' && event.publishId === effect.publishId
                ? resolve(event.result)
                : reject(new Error(`unexpected ${event.kind}`)),
          },
        );
        notifier.publish(effect);
      }),
    fault: (effect) => void cloud.fault.arm({ action: 'sns:Publish', effect, times: 1 }),
    published: () => cloud.published,
    sent: () => cloud.calls.filter(({ action }) => action === 'sns:Publish').length,
    close,
  };
}

async function openSimulated(): Promise<NotifierWorld> {
  const queue = createQueue();
  const random = createRandom(1);
  const published: { subject: string | null; message: string }[] = [];
  let sent = 0;
  const details = new Subscribers<Detail>();
  details.subscribe((detail) => {
    if (detail.kind === 'called') sent += 1;
  });
  const cloud = new SimulatedCloud(
    queue,
    random,
    createAws({ instances: [{ id: 'i-1' }], addresses: [], topics: [TOPIC] }),
    { applyMs: [10, 60], answerMs: [5, 30], lostAnswerPerMille: 0 },
    {
      onEvent: (event) => {
        if (event.kind === 'published') published.push(event);
      },
      onFault: () => undefined,
    },
    details,
  );
  const driver = createDriver(cloud, {
    kind: 'ec2',
    instanceId: 'i-1',
    addresses: [],
    topicArn: TOPIC,
    time: { queue, random },
  });
  return {
    async publish(effect) {
      const results: Awaited<ReturnType<NotifierWorld['publish']>>[] = [];
      driver.publish(effect, effect.timeoutMs, (result) => results.push(result));
      while (queue.runNext(Number.POSITIVE_INFINITY));
      const [result] = results;
      if (result === undefined || results.length > 1) throw new Error(`answered ${results.length} times`);
      return result;
    },
    fault: (effect) => void cloud.arm({ action: 'sns:Publish', effect, times: 1 }),
    published: () => published,
    sent: () => sent,
    close: () => undefined,
  };
}

describeNotifier('of the agent', openSns);
describeNotifier('of the simulator', openSimulated);
